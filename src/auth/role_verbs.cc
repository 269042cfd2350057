// See role_verbs.h.
#include "auth/role_verbs.h"

#include <array>
#include <vector>

#include "auth/role_resources.h"
#include "base/text.h"

namespace mk8s::auth {
namespace {

constexpr std::array<std::string_view, kVerbCount> kNames = {
    "get",     "list",        "watch",        "create",
    "update",  "patch",       "delete",       "deletecollection",
    "logs",    "exec",        "port-forward", "proxy",
    "debug",   "impersonate", "bind",         "escalate",
    "approve", "sign",        "attest",       "*"};

}  // namespace

std::string_view Name(Verb verb) { return kNames[static_cast<std::size_t>(verb)]; }

std::optional<Verb> VerbFromName(std::string_view name) {
  for (std::size_t i = 0; i < kVerbCount; ++i) {
    if (kNames[i] == name) return static_cast<Verb>(i);
  }
  return std::nullopt;
}

std::optional<VerbSet> VerbSetOf(std::string_view written) {
  if (written == "apply") return Bit(Verb::kGet) | Bit(Verb::kCreate) | Bit(Verb::kPatch);
  const std::optional<Verb> verb = VerbFromName(written);
  if (!verb) return std::nullopt;
  return *verb == Verb::kList ? Bit(Verb::kList) | Bit(Verb::kWatch) : Bit(*verb);
}

std::string VerbFault(std::string_view written) {
  if (VerbSetOf(written)) return {};
  std::vector<std::string_view> known(kNames.begin(), kNames.end());
  known.push_back("apply");
  const std::string_view meant = Nearest(ToLower(written), known);
  std::string fault = "unknown verb \"" + Printable(written, 80) + "\"";
  if (!meant.empty()) fault += "; did you mean \"" + std::string(meant) + "\"?";
  return fault;
}

std::string VerbList(VerbSet verbs) {
  std::string out;
  for (std::size_t i = 0; i < kVerbCount; ++i) {
    if ((verbs & Bit(static_cast<Verb>(i))) == 0) continue;
    if (!out.empty()) out += ", ";
    out += kNames[i];
  }
  return out;
}

}  // namespace mk8s::auth
