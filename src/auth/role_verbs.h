// The verbs of roles: the API's own and the friendly ones (logs, exec, port-forward, proxy, debug,
// apply), as bits.  Used by auth/role_grant to compile grants and to read requests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mk8s::auth {

enum class Verb : std::uint8_t {
  kGet,
  kList,
  kWatch,
  kCreate,
  kUpdate,
  kPatch,
  kDelete,
  kDeleteCollection,
  kLogs,
  kExec,  // attach too
  kPortForward,
  kProxy,
  kDebug,
  kImpersonate,
  kBind,
  kEscalate,
  kApprove,
  kSign,
  kAttest,
  kAny,  // "*"
};
inline constexpr std::size_t kVerbCount = static_cast<std::size_t>(Verb::kAny) + 1;

using VerbSet = std::uint32_t;
constexpr VerbSet Bit(Verb verb) { return VerbSet{1} << static_cast<unsigned>(verb); }

/// The spelling in roles and requests, e.g. "port-forward".
std::string_view Name(Verb verb);

/// What a verb written in a role stands for: `list` is list and watch, `apply` get, create and
/// patch.  Nothing if there is no such verb.
std::optional<VerbSet> VerbSetOf(std::string_view written);

/// A request's verb; nothing for verbs that only "*" grants.
std::optional<Verb> VerbFromName(std::string_view name);

/// What is wrong with a verb written in a role, with a suggestion; "" if nothing is.
std::string VerbFault(std::string_view written);

/// "get, list" for a refusal's text.
std::string VerbList(VerbSet verbs);

/// get, list and watch change nothing.
constexpr bool IsReadVerb(std::string_view verb) {
  return verb == "get" || verb == "list" || verb == "watch";
}

}  // namespace mk8s::auth
