// See exec_answer.h.
#include "central/exec_answer.h"

#include "base/error_mapping.h"
#include "base/limits.h"
#include "base/text.h"
#include "central/rest_json.h"

namespace mk8s::central {
namespace {

constexpr auto kServer = http::WebSocketRole::kServer;
constexpr std::string_view kJson = "application/json";

// A browser needs one of the protocols that it offered; the one that carries a token is none.
std::string ChosenProtocol(const http::Fields& asked) {
  for (const std::string_view field : asked.All("sec-websocket-protocol")) {
    for (const std::string_view offered : Split(field, ',')) {
      const std::string_view protocol = TrimSpace(offered);
      if (!protocol.empty() && !protocol.starts_with("base64url.bearer.authorization.")) {
        return std::string(protocol);
      }
    }
  }
  return {};
}

}  // namespace

void ExecAnswer::SendHead(int status, std::string_view content_type, const http::Fields& more) {
  http::ResponseHead head{.status = status,
                          .fields = {{"x-request-id", request_id_},
                                     {"cache-control", "no-store"},
                                     {"x-content-type-options", "nosniff"},
                                     {"content-type", std::string(content_type)}}};
  for (const http::Field& field : more) head.fields.Add(field.name, field.value);
  status_ = status;
  stream_->SendHead(head, head_only_);
}

void ExecAnswer::End() {
  ended_ = true;
  body_.End();
}

void ExecAnswer::Fail(const Error& why, std::string_view code,
                      std::optional<std::chrono::seconds> retry_after) {
  if (ended_) return;
  if (code.empty()) code = Name(why.code);
  if (status_ != 0) return FailLate({code, why.message, request_id_});
  const std::string text = RenderError(code, why.message, request_id_);
  const int status = HttpStatus(why.code);
  http::Fields more{{"content-length", std::to_string(text.size())}};
  if (status == 401) more.Add("www-authenticate", "Bearer");
  if (status == 405) more.Add("allow", "POST");
  if (retry_after) more.Add("retry-after", std::to_string(retry_after->count()));
  SendHead(status, kJson, more);
  if (head_only_) {
    ended_ = true;
    return;
  }
  body_.Send(text);
  End();
}

Result<void> ExecJsonAnswer::Output(ExecOutput which, std::string_view bytes) {
  if (output_.size() + errors_.size() + bytes.size() > limits::kExecAnswerBytesMax) {
    return MakeError(ErrorCode::kTooLarge,
                     "the command's output is over " +
                         std::to_string(limits::kExecAnswerBytesMax / 1024 / 1024) +
                         " MiB; ask for it as a stream, by Accept: text/event-stream");
  }
  (which == ExecOutput::kStdout ? output_ : errors_) += bytes;
  return {};
}

void ExecJsonAnswer::Exit(int exit_code) {
  const std::string text = RenderExecAnswer(output_, errors_, exit_code);
  SendHead(200, kJson, {{"content-length", std::to_string(text.size())}});
  body().Send(text);
  End();
}

void ExecEventAnswer::Begin() {
  if (status() == 0) SendHead(200, "text/event-stream", {{"x-accel-buffering", "no"}});
}

Result<void> ExecEventAnswer::Output(ExecOutput which, std::string_view bytes) {
  Begin();
  body().Send(ExecOutputEvent(which, bytes));
  return {};
}

void ExecEventAnswer::Exit(int exit_code) {
  Begin();
  body().Send(ExecExitEvent(exit_code));
  End();
}

void ExecEventAnswer::Keepalive() {
  Begin();
  body().Send(":\n\n");
}

void ExecEventAnswer::FailLate(const ExecFailure& failure) {
  body().Send(ExecFailureEvent(failure));
  End();
}

void ExecSocketAnswer::Open(std::string_view accept, const http::Fields& asked) {
  http::ResponseHead head{
      .status = 101,
      .protocol = std::string(http::kWebSocketProtocol),
      .fields = {{"sec-websocket-accept", std::string(accept)}, {"x-request-id", request_id()}}};
  if (const std::string protocol = ChosenProtocol(asked); !protocol.empty()) {
    head.fields.Add("sec-websocket-protocol", protocol);
  }
  set_status(101);
  stream().SendHead(head, false);
}

Result<void> ExecSocketAnswer::Output(ExecOutput which, std::string_view bytes) {
  body().Send(
      http::WebSocketFrame(kServer, http::WebSocketOpcode::kText, ExecOutputMessage(which, bytes)));
  return {};
}

void ExecSocketAnswer::Exit(int exit_code) {
  body().Send(
      http::WebSocketFrame(kServer, http::WebSocketOpcode::kText, ExecExitMessage(exit_code)));
  Close(http::kCloseNormal);
}

void ExecSocketAnswer::FailLate(const ExecFailure& failure) {
  body().Send(
      http::WebSocketFrame(kServer, http::WebSocketOpcode::kText, ExecFailureMessage(failure)));
  Close(http::kCloseInternal, failure.message);
}

void ExecSocketAnswer::Keepalive() {
  body().Send(http::WebSocketFrame(kServer, http::WebSocketOpcode::kPing, {}));
}

void ExecSocketAnswer::Pong(std::string_view payload) {
  body().Send(http::WebSocketFrame(kServer, http::WebSocketOpcode::kPong, payload));
}

void ExecSocketAnswer::Close(std::uint16_t code, std::string_view reason) {
  if (ended()) return;
  body().Send(http::WebSocketClose(kServer, code, reason));
  End();
}

}  // namespace mk8s::central
