// The command line as the user typed it, for the audit log: quoted as a shell would need it,
// secrets masked, bounded.  Central records it as the client's own word and never decides by it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mk8s::kube {

/// kubectl's arguments with every value that is or may be a secret replaced by "***":
/// --token, --password and their like, --from-literal, KEY=VALUE of `set env` and --env, patches
/// and overrides of Secrets, name=value and "name": "value" where the name speaks of a secret,
/// bearer tokens, and passwords in URLs.
std::vector<std::string> MaskSecrets(const std::vector<std::string>& arguments);

/// "kubectl get pods -l 'app in (a, b)'", at most limits::kCommandWordsBytesMax bytes, cut at a
/// character with "..." at the end.
std::string CommandWords(const std::vector<std::string>& arguments);

}  // namespace mk8s::kube
