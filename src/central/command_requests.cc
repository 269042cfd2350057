// See command_requests.h.
#include "central/command_requests.h"

#include "base/error_mapping.h"
#include "base/ids.h"
#include "central/agent_identity_check.h"
#include "central/kube_gateway.h"
#include "gateway/relay.h"
#include "gateway/tunnel_message.h"
#include "kube/status.h"

namespace mk8s::central {
namespace {

// Answers an accepted upgrade as an extended CONNECT is answered.
class CommandsStream : public http::ResponseStream {
 public:
  explicit CommandsStream(std::shared_ptr<http::ResponseStream> stream)
      : stream_(std::move(stream)) {}

  void SendHead(const http::ResponseHead& head, bool end) override {
    stream_->SendHead(gateway::EncodeForTunnel(head), end);
  }
  void SendContinue() override { stream_->SendContinue(); }
  void SendBody(std::string_view bytes) override { stream_->SendBody(bytes); }
  void SendEnd(const http::Fields& trailers) override { stream_->SendEnd(trailers); }
  void Reset(http::ResetReason reason) override { stream_->Reset(reason); }
  void Consume(std::size_t bytes) override { stream_->Consume(bytes); }

 private:
  const std::shared_ptr<http::ResponseStream> stream_;
};

std::shared_ptr<http::StreamEvents> Refuse(const Error& why, bool end,
                                           std::shared_ptr<http::ResponseStream> stream) {
  const auto relay = gateway::Relay::Make(
      std::move(stream), end,
      {.answer_error =
           [](const Error& error) {
             return gateway::Answer{
                 .head = {.status = HttpStatus(error.code), .fields = kube::StatusFields(error)},
                 .body = kube::StatusJson(error)};
           }},
      nullptr);
  auto events = relay->downstream_events();
  relay->Cut(why);
  return events;
}

}  // namespace

std::shared_ptr<http::StreamEvents> CommandRequests::OnRequest(
    http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) {
  if (!gateway::IsCommandsRequest(head)) {
    return grpc_.OnRequest(std::move(head), end, std::move(stream));
  }
  Result<gateway::CommandsRequest> request = gateway::DecodeForCentral(std::move(head));
  if (!request) return Refuse(request.error(), end, std::move(stream));
  const auto command = CommandOf(*request);
  if (!command) return Refuse(command.error(), end, std::move(stream));
  // The exec call's own id joins its requests, whatever kubectl calls its run.
  request->head.fields.Set("kubectl-session", (*command)->request_id);
  KubeRoute route{.cluster = (*command)->cluster_id,
                  .command = (*command)->line,
                  .prefix = {},
                  .target = request->head.target};
  return gateway_.OnRequest(std::move(route), std::move(request->head), end,
                            std::make_shared<CommandsStream>(std::move(stream)), connection_.loop(),
                            (*command)->source_ip, NewRequestId(services_.clock.Now()), *command);
}

Result<std::shared_ptr<const ExecCommand>> CommandRequests::CommandOf(
    const gateway::CommandsRequest& request) const {
  MK8S_ASSIGN_OR_RETURN(const pki::AgentIdentity identity,
                        CheckAgent(services_, connection_.peer_certificate()));
  if (auto command = registry_.Find(request.command_id, identity.cluster_id)) return command;
  return MakeError(ErrorCode::kUnauthenticated, "the command that asks has ended");
}

}  // namespace mk8s::central
