// See relay_handler.h.
#include "agent/relay_handler.h"

#include <any>

#include "base/error_mapping.h"
#include "base/log.h"
#include "gateway/headers.h"
#include "gateway/relay.h"
#include "gateway/tunnel_message.h"
#include "kube/attributes.h"
#include "kube/status.h"
#include "kube/target.h"

namespace mk8s::agent {
namespace {

// Counts a relayed exchange.
class Counted : public gateway::RelayObserver {
 public:
  explicit Counted(Status& status) : status_(status) {
    Count(status_.requests);
    status_.requests_open.fetch_add(1, std::memory_order_relaxed);
  }
  void OnDone(const gateway::RelayOutcome& outcome) override {
    status_.requests_open.fetch_sub(1, std::memory_order_relaxed);
    Count(status_.request_bytes, outcome.bytes_in);
    Count(status_.response_bytes, outcome.bytes_out);
    if (outcome.end == gateway::RelayEnd::kAnswered ||
        outcome.end == gateway::RelayEnd::kUpstreamBroken) {
      Count(status_.requests_failed);
      log::Warn("request not relayed", {{"reason", outcome.reason}});
    }
  }

 private:
  Status& status_;
};

gateway::Answer StatusAnswer(const Error& error) {
  return {.head = {.status = HttpStatus(error.code), .fields = kube::StatusFields(error)},
          .body = kube::StatusJson(error)};
}

// Whether a 401 is the answer of what is proxied to, and not of the API server to the agent.
bool IsProxied(const std::string& target) {
  const auto parsed = kube::Target::Parse(target);
  if (!parsed) return false;
  const auto attributes = kube::RequestAttributes("GET", *parsed);
  return attributes && attributes->subresource == "proxy";
}

}  // namespace

RelayHandler::RelayHandler(ClusterClient& client, const std::string& cluster_name,
                           const grpc::Server& service, Status& status,
                           std::function<void()> on_first_request)
    : client_(client),
      cluster_name_(cluster_name),
      status_(status),
      on_first_request_(std::move(on_first_request)),
      timer_(client.loop()),
      service_(service, timer_, std::any()) {}

std::shared_ptr<http::StreamEvents> RelayHandler::OnRequest(
    http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) {
  if (!status_.used.load(std::memory_order_relaxed) && !status_.used.exchange(true)) {
    on_first_request_();
  }
  if (grpc::IsGrpcRequest(head)) return service_.OnRequest(std::move(head), end, std::move(stream));
  const auto request = gateway::DecodeFromTunnel(head);
  const bool upgrade = request && !request->head.protocol.empty();
  gateway::RelayHooks hooks{
      .answer_error = [this](const Error& error) { return StatusAnswer(Explain(error)); },
      .map_head =
          [this, upgrade, target = head.target](http::ResponseHead from_cluster) {
            return MapHead(std::move(from_cluster), target, upgrade);
          },
      .map_trailers = gateway::ResponseFieldsForClient};
  const auto relay = gateway::Relay::Make(std::move(stream), end, std::move(hooks),
                                          std::make_shared<Counted>(status_));
  std::shared_ptr<http::StreamEvents> events = relay->downstream_events();
  if (request) {
    relay->Start(client_, gateway::RequestForCluster(*request, client_.credential()));
  } else {
    relay->Cut(request.error());
  }
  return events;
}

// The relay knows only that upstream broke; the pool knows why the API server was not reached.
Error RelayHandler::Explain(const Error& error) const {
  if (error.code != ErrorCode::kUnavailable) return error;
  const std::string where =
      "the API server of cluster " + cluster_name_ + " at " + client_.credential().authority;
  const Error dial = client_.LastError();
  if (dial.message.empty()) {
    return MakeError(error.code, "The agent lost its connection to " + where + ": " + error.message,
                     error.detail);
  }
  return MakeError(error.code, "The agent cannot reach " + where + ": " + dial.message,
                   dial.detail);
}

Result<http::ResponseHead> RelayHandler::MapHead(http::ResponseHead head, const std::string& target,
                                                 bool upgrade) {
  gateway::ResponseRules rules{.cluster_authority = client_.credential().authority,
                               .upgrade = upgrade};
  if (head.status == 401) {
    rules.proxied = IsProxied(target);
    if (!rules.proxied) client_.CredentialRefused();
  }
  MK8S_ASSIGN_OR_RETURN(http::ResponseHead mapped,
                        gateway::ResponseForClient(std::move(head), rules));
  return gateway::EncodeForTunnel(std::move(mapped));
}

}  // namespace mk8s::agent
