// See diagnostics.h.
#include "agent/diagnostics.h"

#include "net/http_server.h"

namespace mk8s::agent {
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

Result<void> Diagnostics::Listen(net::LoopGroup& loops, const std::string& bind_address,
                                 std::uint16_t port) {
  MK8S_ASSIGN_OR_RETURN(
      listener_, net::Listener::Listen(loops,
                                       {.bind_address = bind_address,
                                        .port = port,
                                        .connections_max = limits::kDiagnosticsConnectionsMax},
                                       [this](const std::shared_ptr<net::Connection>& connection) {
                                         net::ServeHttp(*connection, *this);
                                       }));
  return {};
}

std::shared_ptr<http::StreamEvents> Diagnostics::OnRequest(
    http::RequestHead head, bool /*end*/, std::shared_ptr<http::ResponseStream> stream) {
  int status = 200;
  std::string body = "ok\n";
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  if (path == "/readyz") {
    if (const std::string reason = NotReadyBecause(status_); !reason.empty()) {
      status = 503;
      body = reason + "\n";
    }
  } else if (path == "/metrics") {
    body = MetricsText(status_);
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

std::string NotReadyBecause(const Status& status) {
  if (status.draining) return "shutting down";
  if (!status.registered) return "not registered with central";
  if (status.tunnels_open <= 0) return "no tunnel to central is open";
  return "";
}

std::string MetricsText(const Status& status) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           std::int64_t value) {
    text.append("# HELP mk8s_agent_").append(name).append(" ").append(help);
    text.append("\n# TYPE mk8s_agent_").append(name).append(" ").append(type);
    text.append("\nmk8s_agent_").append(name).append(" ");
    text.append(std::to_string(value)).append("\n");
  };
  const auto counter = [&add](std::string_view name, std::string_view help,
                              const std::atomic<std::uint64_t>& value) {
    add(name, "counter", help, static_cast<std::int64_t>(value.load()));
  };
  add("registered", "gauge", "1 while central accepts this agent.", status.registered ? 1 : 0);
  add("api_server_up", "gauge", "1 while the API server answers.",
      status.api_server_answers ? 1 : 0);
  add("tunnel_connections", "gauge", "Open tunnel connections.", status.tunnels_open);
  counter("registrations_total", "Successful registrations.", status.registrations);
  counter("certificate_renewals_total", "Renewed certificates.", status.renewals);
  counter("heartbeats_total", "Heartbeats that central answered.", status.heartbeats);
  counter("connect_failures_total", "Failed or lost connections to central.",
          status.connect_failures);
  counter("credential_failures_total", "Failures to get a credential for the API server.",
          status.credential_failures);
  counter("requests_total", "Requests taken from central.", status.requests);
  add("requests_open", "gauge", "Requests under way.", status.requests_open);
  counter("requests_failed_total", "Requests that the API server did not answer whole.",
          status.requests_failed);
  counter("request_bytes_total", "Request body bytes relayed.", status.request_bytes);
  counter("response_bytes_total", "Response body bytes relayed.", status.response_bytes);
  return text;
}

}  // namespace mk8s::agent
