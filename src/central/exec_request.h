// One call of the exec route on its way: who asks and for which cluster, its body, its turn, the
// audit log, the command on the agent, its output, the outcome.  Whether the command may do what it
// does is decided with each Kubernetes request that it makes (central/agent_port.h).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "central/exec_admission.h"
#include "central/exec_answer.h"
#include "central/exec_queue.h"
#include "central/exec_registry.h"
#include "central/exec_run.h"
#include "central/snapshot.h"
#include "http/stream.h"
#include "http/websocket.h"
#include "models/audit.h"
#include "net/loop.h"

namespace mk8s::central {

class ExecGateway;

/// Lives on the caller's loop, as long as the stream or the command holds it.
class ExecRequest : public http::StreamEvents, public std::enable_shared_from_this<ExecRequest> {
 public:
  ExecRequest(ExecGateway& gateway, net::Loop& loop, std::shared_ptr<http::ResponseStream> stream,
              std::string peer_ip, std::string request_id);
  ~ExecRequest() override;

  /// Once, first.
  void Start(Result<std::string> cluster, http::RequestHead head, bool end);

  /// Cuts it where the caller's session ended or their grant on the cluster is gone.
  void Recheck(const std::shared_ptr<const Snapshot>& snapshot);

  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(http::ResetReason reason) override;
  void OnSent(std::size_t bytes) override;

 private:
  Result<void> ChooseForm(const http::RequestHead& head);
  void OnSocketMessage(http::WebSocketMessage message);
  Result<void> GatherBody(std::string_view bytes);

  void TakeOrder();
  void OnOrder(Result<ExecOrder> order);
  void Begin();
  void Run();
  void GotGoing();
  void OnOutput(ExecOutput which, const std::string& bytes, std::size_t held_bytes);
  void OnRunDone(const Result<int>& exit_code);
  void ReleaseIfRoom();
  void ConsumeIfRoom();
  void KeepAlive();

  /// Refused by central, or by the agent before the command ran.
  void Refuse(const Error& why, AuditStatus as);
  /// Ended by central while the command ran.
  void Cut(const Error& why);
  void Ended(AuditStatus status, std::string reason);

  ExecGateway& gateway_;
  net::Loop& loop_;
  std::shared_ptr<http::ResponseStream> stream_;  // null once the exchange broke
  std::unique_ptr<ExecAnswer> answer_;
  ExecSocketAnswer* socket_ = nullptr;  // answer_, where it is one
  http::WebSocketReader socket_reader_;
  std::chrono::milliseconds time_max_;

  std::string body_;
  std::size_t body_bytes_ = 0;  // taken from the gateway's
  bool body_whole_ = false;
  std::vector<ExecInput> early_input_;  // came before the command ran
  std::size_t unconsumed_bytes_ = 0;
  std::size_t ignored_bytes_ = 0;  // came after the end

  ExecCaller caller_;
  std::optional<ExecOrder> order_;
  std::shared_ptr<ExecQueue::Ticket> ticket_;
  std::shared_ptr<const ExecCommand> command_;
  std::shared_ptr<ExecRun> run_;
  std::size_t held_bytes_ = 0;  // of the command's output, not released yet
  std::uint64_t stdout_bytes_ = 0, stderr_bytes_ = 0, stdin_bytes_ = 0;

  net::Timer deadline_;   // of the body, then of the turn, then of the start
  net::Timer keepalive_;  // of a stream
  net::Timer linger_;     // of a WebSocket that we closed
  AuditEvent event_;
  bool begun_ = false;  // the event is in the log already
  bool got_going_ = false;
  bool ended_ = false;
  MonotonicTime started_{};
};

}  // namespace mk8s::central
