// See exec_request.h.
#include "central/exec_request.h"

#include "base/encoding.h"
#include "base/error_mapping.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "central/audit_log.h"
#include "central/authenticator.h"
#include "central/exec_gateway.h"
#include "central/tunnel_choice.h"
#include "kube/command_check.h"
#include "kube/command_words.h"
#include "net/work_pool.h"

namespace mk8s::central {
namespace {

constexpr std::string_view kVerb = "exec-remote";
constexpr std::size_t kCommandIdBytes = 16;
// Larger bodies are read on the pool: base64 of some MiB would hold up the loop's other streams.
constexpr std::size_t kParseHereBytesMax = 64 * 1024;
constexpr std::chrono::seconds kRetryAfter{5};

std::optional<std::chrono::seconds> RetryAfter(ErrorCode code) {
  const bool later = code == ErrorCode::kResourceExhausted || code == ErrorCode::kUnavailable;
  return later ? std::optional(kRetryAfter) : std::nullopt;
}

}  // namespace

ExecRequest::ExecRequest(ExecGateway& gateway, net::Loop& loop,
                         std::shared_ptr<http::ResponseStream> stream, std::string peer_ip,
                         std::string request_id)
    : gateway_(gateway),
      loop_(loop),
      stream_(std::move(stream)),
      answer_(std::make_unique<ExecJsonAnswer>(stream_, request_id)),
      socket_reader_(http::WebSocketRole::kServer, limits::kExecBodyBytesMax),
      time_max_(limits::kExecAnswerTime),
      started_(gateway.services().clock.Monotonic()) {
  event_.id = std::move(request_id);
  event_.time = gateway.services().clock.Now();
  event_.verb = kVerb;
  event_.resource = "clusters";
  event_.subresource = "exec";
  event_.command = kVerb;
  event_.kubectl_session = event_.id;
  event_.source_ip = std::move(peer_ip);
}

ExecRequest::~ExecRequest() = default;

void ExecRequest::Start(Result<std::string> cluster, http::RequestHead head, bool end) {
  gateway_.Opened(*this, loop_);
  if (head.method == "HEAD") answer_->SetHeadOnly();
  Result<void> admitted = AdmitExec(gateway_.services(), std::move(cluster), head, loop_, caller_);
  event_.user_id = caller_.user_id;
  event_.user = caller_.user;
  event_.cluster_id = caller_.cluster_id;
  event_.cluster = event_.name = caller_.cluster;
  if (admitted) admitted = ChooseForm(head);
  if (!admitted) {
    const bool accident = admitted.error().code == ErrorCode::kUnavailable;
    return Refuse(admitted.error(), accident ? AuditStatus::kFailed : AuditStatus::kDenied);
  }
  if (end) return TakeOrder();
  if (socket_ == nullptr) stream_->SendContinue();
  deadline_ = loop_.After(limits::kExecBodyDeadline, [this] {
    Refuse(MakeError(ErrorCode::kDeadlineExceeded, "the command did not come in time"),
           AuditStatus::kFailed);
  });
}

Result<void> ExecRequest::ChooseForm(const http::RequestHead& head) {
  if (!head.protocol.empty()) {
    if (!EqualsIgnoreCase(head.protocol, http::kWebSocketProtocol)) {
      return MakeError(ErrorCode::kInvalidArgument, "the only upgrade here is to a WebSocket");
    }
    MK8S_ASSIGN_OR_RETURN(const std::string accept, http::CheckWebSocketRequest(head));
    auto socket = std::make_unique<ExecSocketAnswer>(stream_, event_.id);
    socket_ = socket.get();
    socket->Open(accept, head.fields);
    answer_ = std::move(socket);
    time_max_ = limits::kExecStreamTime;
  } else if (head.fields.Get("accept").find("text/event-stream") != std::string_view::npos) {
    answer_ = std::make_unique<ExecEventAnswer>(stream_, event_.id);
    time_max_ = limits::kExecStreamTime;
  }
  return {};
}

void ExecRequest::OnBody(std::string_view bytes) {
  if (!stream_) return;
  if (ended_) {
    ignored_bytes_ += bytes.size();
    stream_->Consume(bytes.size());
    if (ignored_bytes_ > limits::kDiscardedBodyBytesMax) {
      stream_->Reset(http::ResetReason::kNoError);
    }
    return;
  }
  const auto self = shared_from_this();  // what comes next may end it
  unconsumed_bytes_ += bytes.size();
  if (const Result<void> gathered = GatherBody(bytes); !gathered) {
    Refuse(gathered.error(), AuditStatus::kDenied);
  } else if (socket_ != nullptr &&
             !socket_reader_.Push(bytes, [this](http::WebSocketMessage message) {
               if (!ended_) OnSocketMessage(std::move(message));
             })) {
    socket_->Close(socket_reader_.close_code());
    Ended(AuditStatus::kFailed, "the client broke the WebSocket's protocol");
  }
  ConsumeIfRoom();
}

Result<void> ExecRequest::GatherBody(std::string_view bytes) {
  if (body_whole_) return {};
  if (socket_ == nullptr && body_.size() + bytes.size() > limits::kExecBodyBytesMax) {
    return MakeError(ErrorCode::kTooLarge,
                     "the command's files are too large: the body is over " +
                         std::to_string(limits::kExecBodyBytesMax / 1024 / 1024) + " MiB");
  }
  if (!gateway_.TakeBodyBytes(bytes.size())) {
    return MakeError(ErrorCode::kResourceExhausted,
                     "too many large commands are under way; try again later");
  }
  body_bytes_ += bytes.size();
  if (socket_ == nullptr) body_ += bytes;
  return {};
}

void ExecRequest::OnSocketMessage(http::WebSocketMessage message) {
  switch (message.opcode) {
    case http::WebSocketOpcode::kPing:
      return socket_->Pong(message.payload);
    case http::WebSocketOpcode::kPong:
    case http::WebSocketOpcode::kContinuation:
      return;
    case http::WebSocketOpcode::kClose:
      socket_->Close(http::kCloseNormal);
      return Ended(run_ ? AuditStatus::kAllowed : AuditStatus::kInterrupted, "the client left");
    case http::WebSocketOpcode::kText:
    case http::WebSocketOpcode::kBinary:
      break;
  }
  if (!body_whole_) {
    body_ = std::move(message.payload);
    socket_reader_.SetMessageBytesMax(limits::kExecInputMessageBytesMax);
    return TakeOrder();
  }
  Result<ExecInput> input = ParseExecInput(message.payload);
  if (!input) return Refuse(input.error(), AuditStatus::kFailed);
  stdin_bytes_ += input->bytes.size();
  if (run_) return run_->Input(*std::move(input));
  early_input_.push_back(*std::move(input));
}

void ExecRequest::OnEnd(const http::Fields&) {
  if (ended_) return;
  if (socket_ == nullptr) return TakeOrder();
  const auto self = shared_from_this();
  Ended(run_ ? AuditStatus::kAllowed : AuditStatus::kInterrupted, "the client left");
  stream_->Reset(http::ResetReason::kCancel);
}

void ExecRequest::OnReset(http::ResetReason) {
  const auto self = shared_from_this();
  stream_ = nullptr;
  answer_->Drop();
  linger_.Cancel();
  if (ended_) return;
  // A watch or a log follow ends by its client leaving; a caller of one answer wanted it.
  const bool streams = run_ && answer_->status() != 0;
  Ended(streams ? AuditStatus::kAllowed : AuditStatus::kInterrupted, "the client left");
}

void ExecRequest::OnSent(std::size_t bytes) {
  answer_->OnSent(bytes);
  if (!ended_) ReleaseIfRoom();
}

void ExecRequest::TakeOrder() {
  body_whole_ = true;
  deadline_.Cancel();
  const bool interactive = socket_ != nullptr;
  std::string body = std::exchange(body_, {});
  if (body.size() <= kParseHereBytesMax) return OnOrder(ParseExecOrder(body, interactive));
  const bool taken = gateway_.services().pool.Submit(
      // The job hands its reference on, so that the stream never dies on a pool's thread.
      [self = shared_from_this(), body = std::move(body), interactive]() mutable {
        auto order = std::make_shared<Result<ExecOrder>>(ParseExecOrder(body, interactive));
        net::Loop& loop = self->loop_;
        loop.Post([self = std::move(self), order] { self->OnOrder(std::move(*order)); });
      });
  if (!taken) {
    Refuse(MakeError(ErrorCode::kUnavailable, "central is busy; try again in a moment"),
           AuditStatus::kFailed);
  }
}

void ExecRequest::OnOrder(Result<ExecOrder> order) {
  if (ended_) return;
  if (!order) return Refuse(order.error(), AuditStatus::kFailed);
  event_.command = kube::CommandWords(order->command);
  if (const Result<void> checked = kube::CheckCommandArguments(order->command); !checked) {
    return Refuse(checked.error(), AuditStatus::kDenied);
  }
  stdin_bytes_ += order->stdin_bytes.size();
  order_ = *std::move(order);
  auto ticket = gateway_.queue().Enter(event_.user_id, event_.cluster_id,
                                       [loop = &loop_, weak = weak_from_this()] {
                                         loop->Post([weak] {
                                           if (const auto self = weak.lock()) self->Begin();
                                         });
                                       });
  if (!ticket) return Refuse(ticket.error(), AuditStatus::kDenied);
  ticket_ = *std::move(ticket);
  deadline_ = loop_.After(limits::kExecWait, [this] {
    Refuse(MakeError(ErrorCode::kResourceExhausted,
                     "other commands on this cluster took too long; try again later, or run it "
                     "with mk8s kubectl on your machine"),
           AuditStatus::kDenied);
  });
}

void ExecRequest::Begin() {
  if (ended_) return;
  deadline_.Cancel();
  begun_ = true;
  gateway_.services().audit.Begin(event_, loop_,
                                  [self = shared_from_this()](const Result<void>& written) {
                                    if (written) return self->Run();
                                    self->begun_ = false;
                                    self->Refuse(written.error(), AuditStatus::kFailed);
                                  });
}

void ExecRequest::Run() {
  if (ended_) return;  // the client left while the audit was written
  const std::shared_ptr<const Snapshot> snapshot = gateway_.services().snapshots.Current();
  const Cluster* cluster = snapshot->FindCluster(event_.cluster_id);
  const Result<std::shared_ptr<Tunnel>> tunnel =
      cluster ? ChooseTunnel(gateway_.services().tunnels, *cluster, loop_)
              : MakeError(ErrorCode::kNotFound, "the cluster was removed meanwhile");
  if (!tunnel) return Refuse(tunnel.error(), AuditStatus::kFailed);
  auto command = std::make_shared<ExecCommand>();
  command->id = HexEncode(RandomBytes(kCommandIdBytes));
  command->request_id = event_.id;
  command->cluster_id = event_.cluster_id;
  command->session_id = caller_.session_id;
  command->line = event_.command;
  command->source_ip = event_.source_ip;
  command->cut = [loop = &loop_, weak = weak_from_this()](const Error& why) {
    loop->Post([weak, why] {
      if (const auto self = weak.lock()) self->Cut(why);
    });
  };
  command_ = std::move(command);
  gateway_.registry().Add(command_);
  run_ = std::make_shared<ExecRun>(loop_, *tunnel, command_->id);
  const auto self = shared_from_this();
  run_->Start(
      EncodeCommandRequest(command_->id, *std::exchange(order_, std::nullopt)), time_max_,
      {.on_output = [self](ExecOutput which, const std::string& bytes,
                           std::size_t held_bytes) { self->OnOutput(which, bytes, held_bytes); },
       .on_input_taken = [self] { self->ConsumeIfRoom(); },
       .on_done = [self](const Result<int>& exit_code) { self->OnRunDone(exit_code); }});
  for (ExecInput& input : early_input_) run_->Input(std::move(input));
  early_input_.clear();
  gateway_.metrics().exec_commands.fetch_add(1, std::memory_order_relaxed);
  deadline_ = loop_.After(limits::kExecStart, [this] { GotGoing(); });
  KeepAlive();
}

// The costly part is over: the next command may start.
void ExecRequest::GotGoing() {
  if (std::exchange(got_going_, true)) return;
  deadline_.Cancel();
  gateway_.queue().Started(ticket_);
  gateway_.ReturnBodyBytes(std::exchange(body_bytes_, 0));
}

void ExecRequest::OnOutput(ExecOutput which, const std::string& bytes, std::size_t held_bytes) {
  if (ended_) return;
  GotGoing();
  (which == ExecOutput::kStdout ? stdout_bytes_ : stderr_bytes_) += bytes.size();
  held_bytes_ += held_bytes;
  if (const Result<void> taken = answer_->Output(which, bytes); !taken) {
    return Refuse(taken.error(), AuditStatus::kInterrupted);
  }
  ReleaseIfRoom();
}

void ExecRequest::ReleaseIfRoom() {
  if (!run_ || held_bytes_ == 0 || answer_->unsent_bytes() >= limits::kSendQueueBytes) return;
  run_->Release(std::exchange(held_bytes_, 0));
}

// The body is taken as it comes; input behind it as the command takes it.
void ExecRequest::ConsumeIfRoom() {
  if (!stream_ || unconsumed_bytes_ == 0) return;
  const bool waits = !ended_ && body_whole_ && socket_ != nullptr &&
                     (run_ ? run_->waiting_bytes() > 0 : !early_input_.empty());
  if (!waits) stream_->Consume(std::exchange(unconsumed_bytes_, 0));
}

void ExecRequest::KeepAlive() {
  keepalive_ = loop_.After(limits::kExecKeepalive, [this] {
    answer_->Keepalive();
    KeepAlive();
  });
}

void ExecRequest::OnRunDone(const Result<int>& exit_code) {
  if (ended_) return;
  if (exit_code) {
    answer_->Exit(*exit_code);
    return Ended(AuditStatus::kAllowed, "exit code " + std::to_string(*exit_code));
  }
  // The agent refuses arguments that would leave the cluster's API: that is a decision.
  const bool denied = exit_code.error().code == ErrorCode::kInvalidArgument ||
                      exit_code.error().code == ErrorCode::kResourceExhausted;
  Refuse(exit_code.error(), denied ? AuditStatus::kDenied : AuditStatus::kFailed);
}

void ExecRequest::Refuse(const Error& why, AuditStatus as) {
  if (ended_) return;
  if (!why.detail.empty()) {
    log::Debug("command refused", {{"request_id", event_.id}, {"error", why}});
  }
  answer_->Fail(why, caller_.refusal, RetryAfter(why.code));
  Ended(as, why.message);
}

void ExecRequest::Cut(const Error& why) {
  if (ended_) return;
  gateway_.metrics().streams_cut.fetch_add(1, std::memory_order_relaxed);
  Refuse(why, AuditStatus::kInterrupted);
}

void ExecRequest::Recheck(const std::shared_ptr<const Snapshot>& snapshot) {
  if (ended_ || event_.cluster_id.empty()) return;
  const Result<Principal> principal =
      gateway_.services().authenticator.Again(snapshot, caller_.session_id, WallTime::max());
  if (!principal) return Cut(principal.error());
  const Cluster* cluster = snapshot->FindCluster(event_.cluster_id);
  if (cluster == nullptr || !snapshot->HasGrant(*principal->user, *cluster)) {
    Cut(MakeError(ErrorCode::kPermissionDenied, "the cluster is not granted any more"));
  }
}

void ExecRequest::Ended(AuditStatus status, std::string reason) {
  if (std::exchange(ended_, true)) return;
  deadline_.Cancel();
  keepalive_.Cancel();
  if (run_) run_->Cancel();
  if (command_) gateway_.registry().Remove(command_->id);
  if (ticket_) gateway_.queue().Leave(ticket_);
  gateway_.ReturnBodyBytes(std::exchange(body_bytes_, 0));
  gateway_.Closed(*this, loop_);
  body_.clear();
  order_.reset();
  early_input_.clear();
  // The other end closes a WebSocket last; it is not waited for long.
  if (socket_ != nullptr && stream_) {
    linger_ = loop_.After(limits::kLingerDeadline, [this] {
      if (stream_) stream_->Reset(http::ResetReason::kNoError);
    });
  }
  if (event_.user_id.empty()) return;  // nobody to hold to account, as with other requests
  event_.status = status;
  event_.http_status = answer_->status();
  event_.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           gateway_.services().clock.Monotonic() - started_)
                           .count();
  event_.reason = std::move(reason);
  if (run_) {
    event_.reason += "; stdout " + std::to_string(stdout_bytes_) + ", stderr " +
                     std::to_string(stderr_bytes_) + ", stdin " + std::to_string(stdin_bytes_) +
                     " bytes";
  }
  AuditLog& audit = gateway_.services().audit;
  begun_ ? audit.Finish(std::move(event_)) : audit.Record(std::move(event_));
}

}  // namespace mk8s::central
