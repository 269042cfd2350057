// See origin.h.
#include "central/origin.h"

#include "base/text.h"

namespace mk8s::central {

Result<void> RefuseForeignOrigin(const http::RequestHead& head) {
  const auto origin = head.fields.Find("origin");
  if (!origin) return {};
  const std::size_t host = origin->find("://");
  if (host != std::string_view::npos &&
      EqualsIgnoreCase(origin->substr(host + 3), head.authority)) {
    return {};
  }
  return MakeError(ErrorCode::kPermissionDenied, "requests from other sites are refused");
}

}  // namespace mk8s::central
