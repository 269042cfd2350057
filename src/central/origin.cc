// See origin.h.
#include "central/origin.h"

#include "base/text.h"

namespace mk8s::central {

bool ForeignOrigin(const http::RequestHead& head) {
  const auto origin = head.fields.Find("origin");
  if (!origin) return false;
  const std::size_t host = origin->find("://");
  return host == std::string_view::npos ||
         !EqualsIgnoreCase(origin->substr(host + 3), head.authority);
}

}  // namespace mk8s::central
