// A connection's life: handshake, session, half-close, linger, end.  Its waits are bounded in
// connection_deadlines.cc.
//
// Re-entrancy: session calls only ever schedule the turn task, and the session is destroyed in no
// call of its own (Close waits for the turn's end), so neither side needs guards.
#include "net/connection.h"

#include <algorithm>
#include <utility>

#include "net/connection_internal.h"
#include "net/loop_internal.h"
#include "net/socket_internal.h"

namespace mk8s::net {

SocketConnection::SocketConnection(Loop& loop, int fd, std::shared_ptr<const TlsContext> tls,
                                   Peer peer, std::shared_ptr<void> admission)
    : loop_(&loop),
      transport_(fd, std::move(tls)),
      peer_(std::move(peer)),
      admission_(std::move(admission)) {
  turn_.emplace(loop, [this] { OnTurn(); });
}

SocketConnection::~SocketConnection() {
  if (session_) session_->ConnectionLost();  // only when a stopped loop dropped it
}

// --- handshake ---

void SocketConnection::Start(std::chrono::milliseconds handshake_deadline,
                             std::function<void(Result<void>)> on_ready) {
  on_ready_ = std::move(on_ready);
  if (!loop().Register(transport_.fd(), shared_from_this())) {
    FinishHandshake(MakeError(ErrorCode::kUnavailable, "no resources for another connection"));
    return;
  }
  timer_ = loop().After(handshake_deadline, [this] {
    FinishHandshake(MakeError(ErrorCode::kDeadlineExceeded, "the TLS handshake took too long"));
  });
  ContinueHandshake();
}

void SocketConnection::ContinueHandshake() {
  switch (transport_.Handshake()) {
    case IoStatus::kAgain:
      return;
    case IoStatus::kDone:
      alpn_ = transport_.alpn();
      peer_certificate_ = transport_.TakePeerCertificate();
      return FinishHandshake({});
    case IoStatus::kEof:
    case IoStatus::kFailed:
      return FinishHandshake(transport_.error());
  }
}

void SocketConnection::FinishHandshake(Result<void> result) {
  if (phase_ != Phase::kHandshake) return;
  auto self = shared_from_this();
  auto on_ready = std::exchange(on_ready_, nullptr);
  if (!result) {
    EndNow(result.error());
    if (on_ready) on_ready(std::move(result));
    return;
  }
  phase_ = Phase::kUnattached;
  timer_ = loop().After(limits::kHeaderDeadline, [this] {
    EndNow(MakeError(ErrorCode::kDeadlineExceeded, "nobody served the connection"));
  });
  if (on_ready) on_ready(std::move(result));
}

void SocketConnection::Handoff(Loop& to, std::function<void(std::shared_ptr<Connection>)> then) {
  if (phase_ != Phase::kUnattached || close_requested_) return;
  if (&to == loop_.load()) {
    to.Post([self = shared_from_this(), then = std::move(then)] {
      if (!self->closed()) then(self);
    });
    return;
  }
  auto self = shared_from_this();
  timer_.Cancel();
  turn_.reset();
  loop().Unregister(transport_.fd());
  loop_ = &to;
  to.Post([self = std::move(self), then = std::move(then)] {
    Loop& new_loop = self->loop();
    self->turn_.emplace(new_loop, [raw = self.get()] { raw->OnTurn(); });
    if (self->close_requested_ || !new_loop.Register(self->transport_.fd(), self)) {
      self->EndNow(MakeError(ErrorCode::kUnavailable, "no resources for another connection"));
      return;
    }
    self->timer_ = new_loop.After(limits::kHeaderDeadline, [raw = self.get()] {
      raw->EndNow(MakeError(ErrorCode::kDeadlineExceeded, "nobody served the connection"));
    });
    then(self);
  });
}

void SocketConnection::Attach(std::unique_ptr<http::Session> session, const Deadlines& deadlines) {
  if (phase_ != Phase::kUnattached || close_requested_) {
    session->ConnectionLost();
    return;
  }
  session_ = std::move(session);
  session_->SetWakeup([this] { turn_->Schedule(); });
  phase_ = Phase::kOpen;
  deadlines_ = deadlines;
  // Bytes may wait already, in the socket or in OpenSSL; no event would tell of them.
  readable_ = writable_ = true;
  StartDeadlines();
  turn_->Schedule();
}

// --- reading and writing ---

void SocketConnection::OnReady(Readiness ready) {
  readable_ = readable_ || ready.readable;
  // Records that OpenSSL still holds may be read before the socket is: what an earlier read of it
  // found must not end that read.
  if (ready.readable) transport_.BytesCame();
  writable_ = writable_ || ready.writable;
  hangup_ = hangup_ || ready.hangup;
  switch (phase_) {
    case Phase::kHandshake:
      return ContinueHandshake();
    case Phase::kOpen:
      if (ready.readable) Read();
      // Broken both ways: found even while the session does not want to read.
      if (phase_ == Phase::kOpen && ready.error) return EndNow(SocketFailure(transport_.fd()));
      if (phase_ == Phase::kOpen && ready.writable && !pending_.empty()) turn_->Schedule();
      return;
    case Phase::kLingering:
      return Discard();
    case Phase::kUnattached:
    case Phase::kClosed:
      return;
  }
}

void SocketConnection::OnTurn() {
  if (close_requested_ && phase_ != Phase::kClosed) {
    return EndNow(MakeError(ErrorCode::kCancelled, "closed by us"));
  }
  if (phase_ == Phase::kLingering) return Discard();
  if (phase_ == Phase::kOpen && readable_) Read();  // WantsRead turned true, or our share is due
  if (phase_ == Phase::kOpen) Flush();
  if (phase_ == Phase::kOpen) ArmTimer();
}

std::size_t SocketConnection::Fill(char* buffer, IoStatus& status) {
  std::size_t filled = 0;
  while (filled < limits::kReadBytes) {
    const auto read = transport_.Read(buffer + filled, limits::kReadBytes - filled);
    status = read.status;
    filled += read.bytes;
    if (read.status != IoStatus::kDone) break;
    if (read.drained && !hangup_) {
      status = IoStatus::kAgain;  // saves the call that would say so
      break;
    }
  }
  return filled;
}

void SocketConnection::Read() {
  char* buffer = LoopBuffers::Of(loop()).read.get();
  std::size_t turn_bytes = 0;
  while (readable_ && !peer_ended_ && !failure_ && !close_requested_ && session_->WantsRead()) {
    if (turn_bytes >= limits::kTurnBytesMax) return turn_->Schedule();
    IoStatus status = IoStatus::kDone;
    const std::size_t filled = Fill(buffer, status);
    turn_bytes += filled;
    received_bytes_ += filled;
    if (status != IoStatus::kDone) readable_ = false;
    if (filled > 0) {
      heard_at_ = loop().now();
      auto received = session_->Receive({buffer, filled});
      if (!received) {
        failure_ = received.error();
        // The last words go out if the peer takes them; it cannot hold us for longer.
        drain_due_ = std::min(drain_due_, loop().now() + limits::kLingerDeadline);
      }
      TrackActivity(true, false);
      turn_->Schedule();
    }
    if (status == IoStatus::kFailed) return EndNow(transport_.error());
    if (status == IoStatus::kEof) {
      peer_ended_ = true;
      session_->ReceiveEof();
      turn_->Schedule();
    }
  }
}

bool SocketConnection::Write(std::string& bytes, std::size_t& offset) {
  std::size_t written = 0;
  const IoStatus status = transport_.Write(std::string_view(bytes).substr(offset), written);
  offset += written;
  sent_bytes_ += written;
  if (written > 0) progress_at_ = loop().now();
  if (status == IoStatus::kDone) return true;
  writable_ = false;
  if (status == IoStatus::kFailed) EndNow(transport_.error());
  return false;
}

void SocketConnection::Flush() {
  if (!writable_) return;
  if (!pending_.empty()) {
    if (!Write(pending_, pending_offset_)) return;
    std::string().swap(pending_);
    pending_offset_ = 0;
  }
  std::string& out = LoopBuffers::Of(loop()).write;
  std::size_t turn_bytes = 0;
  for (;;) {
    if (turn_bytes >= limits::kTurnBytesMax) return turn_->Schedule();
    out.clear();
    session_->Produce(out, limits::kFlushBytes);
    if (out.empty()) break;
    turn_bytes += out.size();
    std::size_t offset = 0;
    if (!Write(out, offset)) {
      if (phase_ != Phase::kOpen) return;
      // Waits for the peer; the time without progress counts from here.
      progress_at_ = loop().now();
      pending_.swap(out);
      pending_offset_ = offset;
      break;
    }
  }
  TrackActivity(false, turn_bytes > 0);
  if (pending_.empty()) AfterFlush();
}

void SocketConnection::AfterFlush() {
  if (failure_ || session_->Finished()) return BeginLinger();
  if (session_->WantsHalfClose() && !half_closed_) {
    half_closed_ = true;
    transport_.ShutdownWrite();
  }
}

// --- the end ---

Error SocketConnection::Failure() const {
  return failure_ ? *failure_ : MakeError(ErrorCode::kCancelled, "the session finished");
}

// Its last wakeups must schedule nothing.
void SocketConnection::Lose(http::Session& session) {
  session.SetWakeup(nullptr);
  session.ConnectionLost();
}

// Closing while bytes of the peer are unread makes the kernel send RST, which can overtake our last
// answer; so end our direction and drop what comes (RFC 9112 section 9.6).
void SocketConnection::BeginLinger() {
  auto session = std::exchange(session_, nullptr);
  Lose(*session);
  if (peer_ended_) return EndNow(Failure());
  if (!half_closed_) transport_.ShutdownWrite();
  phase_ = Phase::kLingering;
  timer_ = loop().After(limits::kLingerDeadline, [this] { EndNow(Failure()); });
  readable_ = true;
  Discard();
}

void SocketConnection::Discard() {
  char* buffer = LoopBuffers::Of(loop()).read.get();
  std::size_t turn_bytes = 0;
  while (turn_bytes < limits::kTurnBytesMax) {
    IoStatus status = IoStatus::kDone;
    turn_bytes += Fill(buffer, status);
    if (status == IoStatus::kAgain) return;
    if (status != IoStatus::kDone) return EndNow(Failure());
  }
  turn_->Schedule();
}

void SocketConnection::EndNow(Error why) {
  if (phase_ == Phase::kClosed) return;
  auto self = shared_from_this();
  const bool clean = phase_ == Phase::kOpen && why.code == ErrorCode::kCancelled &&
                     pending_.empty() && !half_closed_;
  phase_ = Phase::kClosed;
  timer_.Cancel();
  if (turn_) turn_->Unschedule();  // the last reference may be dropped on any thread from here on
  loop().Unregister(transport_.fd());
  transport_.Close(clean);
  if (auto session = std::exchange(session_, nullptr)) Lose(*session);
  std::string().swap(pending_);
  admission_.reset();
  why_ = std::move(why);
  if (auto on_closed = std::exchange(on_closed_, nullptr)) on_closed(*why_);
  if (auto on_ready = std::exchange(on_ready_, nullptr)) on_ready(*why_);
}

void SocketConnection::OnLoopStopped() {
  EndNow(MakeError(ErrorCode::kCancelled, "the server stops"));
}

void SocketConnection::SetOnClosed(std::function<void(const Error& why)> on_closed) {
  if (phase_ == Phase::kClosed) return on_closed(*why_);
  on_closed_ = std::move(on_closed);
}

void SocketConnection::Close() {
  if (Loop& own = loop(); !own.InLoop()) {
    own.Post([self = shared_from_this()] { self->Close(); });
    return;
  }
  if (phase_ == Phase::kClosed) return;
  close_requested_ = true;
  if (turn_) turn_->Schedule();  // else it is between two loops, and the new one looks
}

void SocketConnection::Shutdown(std::chrono::milliseconds grace) {
  if (Loop& own = loop(); !own.InLoop()) {
    own.Post([self = shared_from_this(), grace] { self->Shutdown(grace); });
    return;
  }
  if (phase_ == Phase::kHandshake || phase_ == Phase::kUnattached) return Close();
  if (phase_ != Phase::kOpen) return;
  drain_due_ = loop().now() + grace;
  session_->Drain();
  turn_->Schedule();
  ArmTimer();
}

}  // namespace mk8s::net
