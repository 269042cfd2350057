// See diagnostics_port.h.
#include "net/diagnostics_port.h"

#include "net/http_server.h"

namespace mk8s::net {
namespace {

// These requests have no body worth reading.
class IgnoredBody : public http::StreamEvents {
 public:
  explicit IgnoredBody(std::shared_ptr<http::ResponseStream> stream) : stream_(std::move(stream)) {}
  void OnBody(std::string_view bytes) override { stream_->Consume(bytes.size()); }
  void OnEnd(const http::Fields&) override {}
  void OnReset(http::ResetReason) override {}
  void OnSent(std::size_t) override {}

 private:
  std::shared_ptr<http::ResponseStream> stream_;
};

}  // namespace

Result<void> DiagnosticsPort::Listen(LoopGroup& loops, const std::string& bind_address,
                                     std::uint16_t port) {
  MK8S_ASSIGN_OR_RETURN(listener_,
                        Listener::Listen(loops,
                                         {.bind_address = bind_address,
                                          .port = port,
                                          .connections_max = limits::kDiagnosticsConnectionsMax},
                                         [this](const std::shared_ptr<Connection>& connection) {
                                           ServeHttp(*connection, *this);
                                         }));
  return {};
}

std::shared_ptr<http::StreamEvents> DiagnosticsPort::OnRequest(
    http::RequestHead head, bool /*end*/, std::shared_ptr<http::ResponseStream> stream) {
  int status = 200;
  std::string body = "ok\n";
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  if (path == "/readyz") {
    if (const std::string reason = not_ready_because_(); !reason.empty()) {
      status = 503;
      body = reason + "\n";
    }
  } else if (path == "/metrics") {
    body = metrics_();
  } else if (path != "/healthz") {
    status = 404;
    body = "not found; try /healthz, /readyz or /metrics\n";
  }
  const bool head_only = head.method == "HEAD";
  stream->SendHead({.status = status,
                    .fields = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"},
                               {"content-length", std::to_string(body.size())}}},
                   head_only);
  if (!head_only) {
    stream->SendBody(body);
    stream->SendEnd();
  }
  return std::make_shared<IgnoredBody>(std::move(stream));
}

}  // namespace mk8s::net
