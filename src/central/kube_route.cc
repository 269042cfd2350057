// See kube_route.h.
#include "central/kube_route.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "base/text.h"

namespace mk8s::central {
namespace {

constexpr std::string_view kClusters = "/clusters/";
constexpr std::string_view kKube = "k8s";
constexpr std::string_view kExec = "exec";

Error NoCluster() {
  return MakeError(ErrorCode::kInvalidArgument, "the path names no valid cluster");
}

// Takes the segment up to the next "/" or "?" off the front, with its "/".
std::string_view TakeSegment(std::string_view& rest) {
  const std::size_t end = rest.find_first_of("/?");
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(segment.size());
  if (rest.starts_with('/')) rest.remove_prefix(1);
  return segment;
}

// Names are DNS labels and UUIDs are hexadecimal, so neither needs escapes: whatever else is there
// names no cluster.
bool IsClusterWord(std::string_view word) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
  return !word.empty() && word.size() <= 253 &&
         word.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

std::optional<Result<KubeRoute>> ParseKubeRoute(std::string_view target) {
  if (!target.starts_with(kClusters)) return std::nullopt;
  std::string_view rest = target.substr(kClusters.size());
  KubeRoute route;
  route.cluster = TakeSegment(rest);
  std::string_view words;
  std::string_view kube = TakeSegment(rest);
  const bool has_words = kube == "c";
  if (has_words) {
    words = TakeSegment(rest);
    kube = TakeSegment(rest);
  }
  if (kube != kKube) return std::nullopt;
  if (!IsClusterWord(route.cluster)) {
    return Result<KubeRoute>(NoCluster());
  }
  if (has_words) {
    Result<std::string> command = Base64UrlDecode(words);
    if (!command || command->size() > limits::kCommandWordsBytesMax) {
      return Result<KubeRoute>(MakeError(
          ErrorCode::kInvalidArgument,
          "the command line in the path must be base64url of at most 1 KiB; update mk8s"));
    }
    route.command = Printable(*command);
  }
  // What TakeSegment left: the rest of the path without its first "/", or "?query", or nothing.
  const std::size_t kube_end = target.size() - rest.size();
  const bool slash = target[kube_end - 1] == '/';
  route.prefix = target.substr(0, kube_end - (slash ? 1 : 0));
  route.target = "/" + std::string(rest);
  return Result<KubeRoute>(std::move(route));
}

std::optional<Result<std::string>> ParseExecRoute(std::string_view target) {
  std::string_view rest = target.substr(0, target.find('?'));
  if (!rest.starts_with(kClusters)) return std::nullopt;
  rest.remove_prefix(kClusters.size());
  const std::string_view cluster = TakeSegment(rest);
  if (rest != kExec) return std::nullopt;
  if (!IsClusterWord(cluster)) return Result<std::string>(NoCluster());
  return Result<std::string>(std::string(cluster));
}

}  // namespace mk8s::central
