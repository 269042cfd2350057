// See cluster_facts.h.
#include "agent/cluster_facts.h"

#include <boost/json.hpp>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

namespace mk8s::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr seconds kInterval{60};
constexpr seconds kRetry{5};
constexpr seconds kDeadline{10};
constexpr std::size_t kBodyBytesMax = 1024 * 1024;

Result<json::value> ParseJson(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) {
    return MakeError(ErrorCode::kBadGateway, "the API server's answer is not a JSON object");
  }
  return value;
}

std::string Text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// What to log of a look that failed.
Error Reason(const Result<Fetched>& fetched, const Error& why_unreachable) {
  if (!fetched) {
    return why_unreachable.message.empty() ? fetched.error() : why_unreachable;
  }
  return MakeError(ErrorCode::kBadGateway, "HTTP status " + std::to_string(fetched->status) + " " +
                                               Printable(fetched->body, 300));
}

}  // namespace

Result<void> ReadVersion(std::string_view text, ClusterMetadata& metadata) {
  MK8S_ASSIGN_OR_RETURN(const json::value value, ParseJson(text));
  const std::string version = Text(value.get_object(), "gitVersion");
  if (version.empty()) {
    return MakeError(ErrorCode::kBadGateway, "the API server's /version has no gitVersion");
  }
  metadata.kubernetes_version = version;
  metadata.platform = Text(value.get_object(), "platform");
  return {};
}

Result<int> CountItems(std::string_view text) {
  MK8S_ASSIGN_OR_RETURN(const json::value value, ParseJson(text));
  const json::object& list = value.get_object();
  const json::value* items = list.if_contains("items");
  if (items == nullptr || !(items->is_array() || items->is_null())) {
    return MakeError(ErrorCode::kBadGateway, "the API server's list has no items");
  }
  std::int64_t count = items->is_array() ? static_cast<std::int64_t>(items->get_array().size()) : 0;
  const json::value* metadata = list.if_contains("metadata");
  if (metadata != nullptr && metadata->is_object()) {
    const json::value* remaining = metadata->get_object().if_contains("remainingItemCount");
    if (remaining != nullptr && remaining->is_int64()) count += remaining->get_int64();
  }
  return static_cast<int>(std::clamp<std::int64_t>(count, 0, 1'000'000));
}

ClusterFacts::ClusterFacts(ClusterClient& client, Status& status, command::Shared& commands)
    : client_(client), status_(status), commands_(commands) {
  metadata_.agent_version = MK8S_VERSION;
  if (commands.refusal.empty()) metadata_.sandbox = sandbox::Name(commands.level);
}

void ClusterFacts::Start(std::function<void()> on_first) {
  on_first_ = std::move(on_first);
  Look();
}

void ClusterFacts::Look() {
  Fetch(client_, "/version", "application/json", kBodyBytesMax, kDeadline,
        [this](Result<Fetched> fetched) { OnVersion(std::move(fetched)); });
}

void ClusterFacts::OnVersion(Result<Fetched> fetched) {
  bool answers = fetched && fetched->status == 200;
  if (answers) answers = ReadVersion(fetched->body, metadata_).has_value();
  if (answers) commands_.cluster_minor = command::KubernetesMinor(metadata_.kubernetes_version);
  const bool answered = status_.api_server_answers.exchange(answers);
  if (!answers) {
    log::Warn("the API server does not answer", {{"server", client_.credential().authority},
                                                 {"error", Reason(fetched, client_.LastError())},
                                                 {"next_attempt_in", FormatDuration(kRetry)}});
    if (fetched && fetched->status == 401) client_.CredentialRefused();
    return Again();
  }
  if (!answered) {
    log::Info("the API server answers", {{"server", client_.credential().authority},
                                         {"version", metadata_.kubernetes_version}});
  }
  // Metadata alone, one object and the number of the rest: small whatever the cluster's size.
  Fetch(client_, "/api/v1/nodes?limit=1",
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        kBodyBytesMax, kDeadline, [this](Result<Fetched> nodes) { OnNodes(std::move(nodes)); });
}

void ClusterFacts::OnNodes(Result<Fetched> fetched) {
  const Result<int> count = fetched && fetched->status == 200
                                ? CountItems(fetched->body)
                                : Result<int>(Reason(fetched, client_.LastError()));
  if (count) {
    metadata_.node_count = *count;
  } else {
    log::Warn("cannot count the cluster's nodes", {{"error", count.error()}});
  }
  Again();
}

void ClusterFacts::Again() {
  const seconds delay = status_.api_server_answers.load() ? kInterval : kRetry;
  timer_ = client_.loop().After(delay, [this] { Look(); });
  if (const auto on_first = std::exchange(on_first_, nullptr)) on_first();
}

}  // namespace mk8s::agent
