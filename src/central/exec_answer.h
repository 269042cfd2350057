// The three forms in which a command's output reaches its caller: one JSON object at the end,
// server-sent events, WebSocket messages.  On the caller's loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "central/body_sender.h"
#include "central/exec_messages.h"
#include "http/stream.h"
#include "http/websocket.h"

namespace mk8s::central {

class ExecAnswer {
 public:
  ExecAnswer(std::shared_ptr<http::ResponseStream> stream, std::string request_id)
      : stream_(std::move(stream)), request_id_(std::move(request_id)), body_(stream_) {}
  virtual ~ExecAnswer() = default;

  /// Error: kTooLarge where this form can hold no more; Fail must follow.
  virtual Result<void> Output(ExecOutput which, std::string_view bytes) = 0;
  /// Ends it; nothing may follow.
  virtual void Exit(int exit_code) = 0;
  /// Ends it instead: by a status and REST's error as long as no head was sent.  `code` in place of
  /// the error's own name, if not empty.
  void Fail(const Error& why, std::string_view code = {},
            std::optional<std::chrono::seconds> retry_after = {});
  /// Shows the caller, and whoever is between, that the command runs.
  virtual void Keepalive() {}

  /// The request is a HEAD: its answer has no body.
  void SetHeadOnly() { head_only_ = true; }
  void OnSent(std::size_t bytes) { body_.OnSent(bytes); }
  /// The stream broke.
  void Drop() { body_.Drop(); }
  std::size_t unsent_bytes() const { return body_.unsent_bytes(); }
  /// Of the head; 0 until it was sent.
  int status() const { return status_; }
  bool ended() const { return ended_; }

 protected:
  void SendHead(int status, std::string_view content_type, const http::Fields& more = {});
  void End();
  BodySender& body() { return body_; }
  http::ResponseStream& stream() { return *stream_; }
  const std::string& request_id() const { return request_id_; }
  void set_status(int status) { status_ = status; }

 private:
  /// After a head of success.
  virtual void FailLate(const ExecFailure& failure) = 0;

  std::shared_ptr<http::ResponseStream> stream_;
  const std::string request_id_;
  BodySender body_;
  int status_ = 0;
  bool head_only_ = false;
  bool ended_ = false;
};

/// Gathers at most limits::kExecAnswerBytesMax.
class ExecJsonAnswer : public ExecAnswer {
 public:
  using ExecAnswer::ExecAnswer;
  Result<void> Output(ExecOutput which, std::string_view bytes) override;
  void Exit(int exit_code) override;

 private:
  void FailLate(const ExecFailure&) override {}  // its head comes with its end

  std::string output_, errors_;
};

/// The head is sent with the first event, so that what the agent refuses has a status of its own.
class ExecEventAnswer : public ExecAnswer {
 public:
  using ExecAnswer::ExecAnswer;
  Result<void> Output(ExecOutput which, std::string_view bytes) override;
  void Exit(int exit_code) override;
  void Keepalive() override;

 private:
  void Begin();
  void FailLate(const ExecFailure& failure) override;
};

class ExecSocketAnswer : public ExecAnswer {
 public:
  using ExecAnswer::ExecAnswer;
  /// Accepts the upgrade that `asked` asks for; before the first Output.
  void Open(std::string_view accept, const http::Fields& asked);
  Result<void> Output(ExecOutput which, std::string_view bytes) override;
  void Exit(int exit_code) override;
  void Keepalive() override;
  void Pong(std::string_view payload);
  /// The closing handshake, from either end.
  void Close(std::uint16_t code, std::string_view reason = {});

 private:
  void FailLate(const ExecFailure& failure) override;
};

}  // namespace mk8s::central
