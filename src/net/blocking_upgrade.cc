// See blocking_upgrade.h.
#include "net/blocking_upgrade.h"

#include <optional>

#include "net/blocking_dial.h"

namespace mk8s::net {
namespace {

class Exchange : public http::ResponseEvents {
 public:
  explicit Exchange(UpgradeHandler& handler) : handler_(&handler) {}

  void OnHead(http::ResponseHead head, bool end) override {
    answered = true;
    response.status = head.status;
    response.fields = std::move(head.fields);
    if (head.status == 101) return handler_->OnOpen(stream);
    over = end;
  }
  void OnBody(std::string_view bytes) override {
    if (handler_ == nullptr) return stream->Consume(bytes.size());
    if (response.status == 101) return handler_->OnBytes(bytes);
    stream->Consume(bytes.size());
    response.body += bytes.substr(0, limits::kRestBodyBytesMax - response.body.size());
  }
  void OnEnd(const http::Fields&) override { Over(); }
  void OnReset(http::ResetReason) override { Over(); }
  void OnSent(std::size_t bytes) override {
    if (handler_ != nullptr && response.status == 101) handler_->OnSent(bytes);
  }
  /// The handler hears nothing more.
  void Leave() { handler_ = nullptr; }

  Response response;
  std::shared_ptr<http::Stream> stream;
  bool answered = false;
  bool over = false;

 private:
  void Over() {
    if (!over && handler_ != nullptr && response.status == 101) handler_->OnClosed();
    over = true;
  }

  UpgradeHandler* handler_;
};

}  // namespace

Result<Response> RunUpgrade(const BlockingClientOptions& options, std::string_view path,
                            const http::Fields& fields, std::string_view protocol,
                            UpgradeHandler& handler) {
  MK8S_ASSIGN_OR_RETURN(const ClientOrigin origin, OriginOf(options));
  Loop loop;
  handler.OnStart(loop);
  MK8S_ASSIGN_OR_RETURN(const ClientConnection made,
                        ConnectTo(loop, origin, options.timeout, [&] { return handler.Done(); }));
  const auto exchange = std::make_shared<Exchange>(handler);
  exchange->stream = made.session->Send({.method = "GET",
                                         .authority = origin.target.ToString(),
                                         .target = std::string(path),
                                         .protocol = std::string(protocol),
                                         .fields = fields},
                                        false, exchange);
  bool late = false;
  const Timer timer = loop.After(options.timeout, [&] { late = !exchange->answered; });
  loop.RunUntil([&] { return late || exchange->over || handler.Done(); });
  exchange->Leave();
  if (!made.connection->closed()) made.connection->Close();
  // The close is heard with the next turn; the stream and its events let go of each other then.
  loop.RunUntil([&] { return made.connection->closed(); });
  exchange->stream.reset();
  if (late) {
    return MakeError(
        ErrorCode::kDeadlineExceeded,
        origin.target.ToString() + " did not answer in time; retry, or check the server");
  }
  if (!exchange->answered && handler.Done()) return MakeError(ErrorCode::kCancelled, "cancelled");
  if (!exchange->answered) {
    return MakeError(ErrorCode::kUnavailable,
                     "the server closed the connection before it answered");
  }
  return std::move(exchange->response);
}

}  // namespace mk8s::net
