// Any request target: what is sent on, read again, is what was authorized, and none of the
// spellings that two parsers read differently is in it.
#include <cstdlib>

#include "kube/attributes.h"
#include "kube/target.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, size_t size) {
  using namespace mk8s::kube;
  if (size < 1) return 0;
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  const std::string_view method = kMethods[bytes[0] % std::size(kMethods)];
  const auto target = Target::Parse({reinterpret_cast<const char*>(bytes) + 1, size - 1});
  if (!target) return 0;
  const std::string sent = target->Serialize();
  const auto again = Target::Parse(sent);
  if (!again || !(*again == *target)) std::abort();
  const auto authorized = RequestAttributes(method, *target);
  const auto received = RequestAttributes(method, *again);
  if (authorized.has_value() != received.has_value()) std::abort();
  if (authorized && !(*authorized == *received)) std::abort();
  const std::string_view path = std::string_view(sent).substr(0, sent.find('?'));
  const std::string_view own = path.substr(0, path.size() - target->proxy_tail().size());
  for (std::string_view hazard : {"/../", "/./", "%2F", "%2f", "%5C", "%00", " ", "\n", ";"}) {
    if (own.find(hazard) != std::string_view::npos) std::abort();
  }
  return 0;
}
