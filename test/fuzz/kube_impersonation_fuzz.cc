// Whom a client asks to act as, in header fields of any bytes: what is accepted is decided as a
// whole, a user first, and described in printable text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/limits.h"
#include "kube/impersonation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  // "NAME: VALUE" lines.
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  http::Fields fields;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t colon = std::min(line.find(": "), line.size());
    fields.Add(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
  }
  const auto asked = kube::ReadImpersonation(fields);
  if (!asked || !asked->has_value()) return 0;
  const kube::Impersonation& other = **asked;
  const std::vector<Attributes> decisions = kube::DecisionsFor(other);
  const std::size_t parts = 1 + other.groups.size() + other.extra.size() + !other.uid.empty();
  if (other.user.empty() || decisions.size() != parts) std::abort();
  if (parts > limits::kImpersonatedValuesMax + 2) std::abort();
  for (const Attributes& attributes : decisions) {
    if (attributes.verb != "impersonate" || !attributes.is_resource) std::abort();
  }
  const std::string& who = decisions[0].resource;
  if (who != "users" && who != "serviceaccounts") std::abort();
  if (who == "users" && decisions[0].name != other.user) std::abort();
  for (const char c : kube::Describe(other)) {
    if (static_cast<unsigned char>(c) < ' ') std::abort();
  }
  return 0;
}
