// The bounds on a connection's waits.  One lazy timer a connection: a deadline that moves later
// leaves it alone, and it finds out when it fires; so a request sets no timer.
#include <algorithm>
#include <utility>

#include "net/connection_internal.h"

namespace mk8s::net {

using std::chrono::milliseconds;

Deadlines Deadlines::Server(bool http1) {
  Deadlines deadlines;
  if (http1) deadlines.next_request = limits::kHeaderDeadline;
  return deadlines;
}

Deadlines Deadlines::Client() {
  Deadlines deadlines;
  deadlines.first_request = milliseconds(0);
  return deadlines;
}

Deadlines Deadlines::Tunnel() {
  Deadlines deadlines = Client();
  deadlines.idle = milliseconds(0);
  deadlines.ping_interval = limits::kPingInterval;
  return deadlines;
}

void SocketConnection::StartDeadlines() {
  attached_at_ = quiet_since_ = progress_at_ = ping_at_ = heard_at_ = loop().now();
  timer_.Cancel();
  ArmTimer();
}

// Called after bytes came and after a flush.  `bytes_left`: on HTTP/1.1 an exchange may have begun
// and ended between two looks; that something was sent tells of it.
void SocketConnection::TrackActivity(bool bytes_came, bool bytes_left) {
  const bool http1 = deadlines_.next_request > milliseconds(0);
  const bool open = session_->OpenStreams() > 0;
  if (open || (bytes_left && http1)) {
    served_ = true;
    partial_ = false;
  }
  if (!open && (busy_ || (bytes_left && http1))) quiet_since_ = loop().now();
  busy_ = open;
  if (!open && bytes_came && http1 && !partial_) {
    partial_ = true;
    partial_since_ = loop().now();
  }
}

MonotonicTime SocketConnection::NextDue() const {
  MonotonicTime due = drain_due_;
  const auto consider = [&due](MonotonicTime since, milliseconds bound) {
    if (bound > milliseconds(0)) due = std::min(due, since + bound);
  };
  if (!served_) consider(attached_at_, deadlines_.first_request);
  if (!pending_.empty()) {
    consider(progress_at_, deadlines_.write_stall);
  } else if (!busy_) {
    if (partial_) consider(partial_since_, deadlines_.next_request);
    consider(quiet_since_, deadlines_.idle);
  }
  if (ping_outstanding_) {
    consider(std::max(ping_at_, heard_at_), deadlines_.ping_answer);
  } else {
    consider(ping_at_, deadlines_.ping_interval);
  }
  return due;
}

void SocketConnection::ArmTimer() { ArmTimer(NextDue()); }

void SocketConnection::ArmTimer(MonotonicTime due) {
  if (due == MonotonicTime::max() || (timer_.pending() && timer_due_ <= due)) return;
  timer_due_ = due;
  const auto wait = std::chrono::ceil<milliseconds>(due - loop().now());
  timer_ = loop().After(std::max(wait, milliseconds(0)), [this] { OnTimer(); });
}

void SocketConnection::OnTimer() {
  if (phase_ != Phase::kOpen) return;
  const MonotonicTime now = loop().now();
  const auto over = [now](MonotonicTime since, milliseconds bound) {
    return bound > milliseconds(0) && now >= since + bound;
  };
  const auto cut = [this](const char* why) {
    EndNow(MakeError(ErrorCode::kDeadlineExceeded, why));
  };
  if (now >= drain_due_) return cut("open requests outlasted the shutdown's grace");
  if (ping_outstanding_) {
    // An answer may queue behind megabytes on a slow link: as long as they come, the peer lives.
    if (over(std::max(ping_at_, heard_at_), deadlines_.ping_answer)) {
      return cut("the peer answers no ping");
    }
  } else if (over(ping_at_, deadlines_.ping_interval)) {
    SendPing();
  }
  if (!served_ && over(attached_at_, deadlines_.first_request)) return cut("no request came");
  if (!pending_.empty()) {
    if (over(progress_at_, deadlines_.write_stall)) return cut("the peer takes no bytes");
  } else if (!busy_) {
    if (partial_ && over(partial_since_, deadlines_.next_request))
      return cut("a request came slowly");
    // Politely: GOAWAY, or "Connection: close" at once; a request in flight may still be refused.
    if (drain_due_ == MonotonicTime::max() && over(quiet_since_, deadlines_.idle)) {
      return Shutdown(limits::kLingerDeadline);
    }
  }
  ArmTimer();
}

void SocketConnection::SendPing() {
  ping_at_ = loop().now();
  // The session cannot outlive the connection, so neither can the callback.
  ping_outstanding_ = session_->Ping([this] {
    ping_outstanding_ = false;
    ping_at_ = loop().now();
  });
}

}  // namespace mk8s::net
