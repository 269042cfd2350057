// The one implementation of Connection, for net's own files: Listener and Dial start it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/connection.h"
#include "net/loop.h"
#include "net/transport_internal.h"

namespace mk8s::net {

class SocketConnection final : public Connection,
                               public Descriptor,
                               public std::enable_shared_from_this<SocketConnection> {
 public:
  struct Peer {
    std::string ip;
    std::string endpoint;
  };
  /// Takes `fd`.  `admission` lives as long as the socket is open (Listener counts by it).
  SocketConnection(Loop& loop, int fd, std::shared_ptr<const TlsContext> tls, Peer peer,
                   std::shared_ptr<void> admission = nullptr);
  ~SocketConnection() override;

  /// Registers with the loop and shakes hands; `on_ready` runs once, perhaps before Start returns.
  void Start(std::chrono::milliseconds handshake_deadline,
             std::function<void(Result<void>)> on_ready);

  Loop& loop() const override { return *loop_; }
  const std::string& peer_ip() const override { return peer_.ip; }
  const std::string& peer_endpoint() const override { return peer_.endpoint; }
  std::string_view alpn() const override { return alpn_; }
  bool encrypted() const override { return transport_.encrypted(); }
  const PeerCertificate* peer_certificate() const override { return peer_certificate_.get(); }
  void Attach(std::unique_ptr<http::Session> session, const Deadlines& deadlines) override;
  http::Session* session() const override { return session_.get(); }
  void Handoff(Loop& to, std::function<void(std::shared_ptr<Connection>)> then) override;
  void SetOnClosed(std::function<void(const Error& why)> on_closed) override;
  void Close() override;
  void Shutdown(std::chrono::milliseconds grace) override;
  bool closed() const override { return phase_ == Phase::kClosed || close_requested_; }
  std::uint64_t received_bytes() const override { return received_bytes_; }
  std::uint64_t sent_bytes() const override { return sent_bytes_; }

  void OnReady(Readiness ready) override;
  void OnLoopStopped() override;

  const std::shared_ptr<void>& admission() const { return admission_; }

 private:
  enum class Phase {
    kHandshake,
    kUnattached,  // waits for Attach or Handoff
    kOpen,
    kLingering,  // all is sent and FIN too; reads and drops until the peer closes
    kClosed,
  };

  void ContinueHandshake();
  void FinishHandshake(Result<void> result);
  void OnTurn();
  void Read();
  std::size_t Fill(char* buffer, IoStatus& status);
  void Flush();
  bool Write(std::string& bytes, std::size_t& offset);
  void AfterFlush();
  static void Lose(http::Session& session);
  void BeginLinger();
  void Discard();
  void EndNow(Error why);
  Error Failure() const;

  // connection_deadlines.cc
  void StartDeadlines();
  void TrackActivity(bool bytes_came, bool bytes_left);
  MonotonicTime NextDue() const;
  void ArmTimer();
  void ArmTimer(MonotonicTime due);
  void OnTimer();
  void SendPing();

  std::atomic<Loop*> loop_;  // changes in Handoff only, while Close may come from any thread
  Transport transport_;
  Phase phase_ = Phase::kHandshake;
  bool readable_ = true, writable_ = true;  // as far as the kernel told
  bool hangup_ = false;                     // FIN may be behind the bytes: read until it shows
  bool peer_ended_ = false;
  bool half_closed_ = false;
  bool close_requested_ = false;
  bool served_ = false;   // a stream was open once
  bool busy_ = false;     // a stream is open
  bool partial_ = false;  // bytes came while none was open
  bool ping_outstanding_ = false;

  std::unique_ptr<http::Session> session_;
  std::string pending_;  // produced, not yet taken by the socket
  std::size_t pending_offset_ = 0;
  std::optional<Error> failure_;  // the session's word on why the connection ends
  std::uint64_t received_bytes_ = 0, sent_bytes_ = 0;

  std::optional<TurnTask> turn_;
  Timer timer_;
  MonotonicTime timer_due_{};
  Deadlines deadlines_;
  MonotonicTime attached_at_{}, quiet_since_{}, partial_since_{}, progress_at_{}, ping_at_{},
      heard_at_{};
  MonotonicTime drain_due_ = MonotonicTime::max();

  std::string alpn_;
  Peer peer_;
  std::unique_ptr<PeerCertificate> peer_certificate_;
  std::shared_ptr<void> admission_;
  std::function<void(Result<void>)> on_ready_;
  std::function<void(const Error&)> on_closed_;
  std::optional<Error> why_;  // once closed
};

}  // namespace mk8s::net
