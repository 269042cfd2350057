// See kubectl_choice.h.
#include "command/kubectl_choice.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/text.h"

namespace mk8s::command {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "kubectl";
constexpr int kSkewMax = 1;  // between kubectl and the API server

struct Candidate {
  std::string path;
  int minor = 0;  // 0: not in its name
};

bool IsProgram(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(path, failed) && access(path.c_str(), X_OK) == 0;
}

// Of "kubectl" and "kubectl-1.31".
std::optional<int> MinorInName(std::string_view name) {
  if (name == kName) return 0;
  if (!name.starts_with(kName) || name.size() < kName.size() + 2) return std::nullopt;
  name.remove_prefix(kName.size());
  if (name[0] != '-') return std::nullopt;
  const int minor = KubernetesMinor(name.substr(1));
  if (minor == 0) return std::nullopt;
  return minor;
}

int Distance(const Candidate& candidate, int cluster_minor) {
  // An unknown version is as good as one at the edge of what is supported; a cluster that is not
  // known is best served by the newest.
  if (candidate.minor == 0) return kSkewMax;
  return cluster_minor == 0 ? -candidate.minor : std::abs(candidate.minor - cluster_minor);
}

// Earlier folders win, as in any PATH.
void Look(const std::string& folder, int cluster_minor, std::optional<Candidate>& best) {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
    const auto minor = MinorInName(entry.path().filename().native());
    if (!minor || !IsProgram(entry.path())) continue;
    const Candidate found{entry.path().native(), *minor};
    const auto rank = [&](const Candidate& one) {
      return std::pair(Distance(one, cluster_minor), -one.minor);
    };
    if (!best || rank(found) < rank(*best)) best = found;
  }
}

}  // namespace

int KubernetesMinor(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  if (!version.starts_with("1.")) return 0;
  version.remove_prefix(2);
  int minor = 0;
  const auto [end, failed] =
      std::from_chars(version.data(), version.data() + version.size(), minor);
  return failed == std::errc() && minor > 0 && minor < 1000 ? minor : 0;
}

Result<std::string> ChooseKubectl(const KubectlPlaces& places, int cluster_minor) {
  if (!places.path.empty() && IsProgram(places.path)) return fs::absolute(places.path).native();
  std::optional<Candidate> best;
  if (!places.path.empty()) {
    Look(places.path, cluster_minor, best);
  } else {
    for (const std::string_view folder : Split(places.search_path, ':')) {
      if (folder.starts_with('/')) Look(std::string(folder), cluster_minor, best);
    }
  }
  if (best) return best->path;
  return MakeError(
      ErrorCode::kFailedPrecondition,
      "There is no kubectl beside the cluster's mk8s-agent: put one into its image, or "
      "set agent.kubectl_path; or install kubectl on your machine and run mk8s kubectl.",
      "looked in " + (places.path.empty() ? places.search_path : places.path));
}

}  // namespace mk8s::command
