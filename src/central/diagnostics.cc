// See diagnostics.h.
#include "central/diagnostics.h"

#include "central/audit_log.h"
#include "central/tunnels.h"
#include "net/http_server.h"

namespace mk8s::central {
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

void AddMetric(std::string& text, std::string_view name, std::string_view type,
               std::string_view help, std::int64_t value) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text.append(name).append(" ").append(type).append("\n");
  text.append(name).append(" ").append(std::to_string(value)).append("\n");
}

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
  std::string body;
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  if (path == "/healthz") {
    body = "ok\n";
  } else if (path == "/readyz") {
    const std::string reason = NotReadyBecause();
    status = reason.empty() ? 200 : 503;
    body = reason.empty() ? "ok\n" : reason + "\n";
  } else if (path == "/metrics") {
    body = MetricsText();
  } else {
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

std::string Diagnostics::NotReadyBecause() const {
  if (draining_.load()) return "shutting down";
  if (!services_.audit.Writable()) return "the audit log cannot be written";
  return "";
}

std::string Diagnostics::MetricsText() const {
  const auto read = [](const auto& counter) { return static_cast<std::int64_t>(counter.load()); };
  std::string text;
  constexpr std::string_view kRequests = "mk8s_kube_requests_total";
  text.append("# HELP mk8s_kube_requests_total Kubernetes requests by outcome.\n")
      .append("# TYPE mk8s_kube_requests_total counter\n");
  const auto requests = [&](std::string_view outcome, std::int64_t value) {
    text.append(kRequests).append("{outcome=\"").append(outcome).append("\"} ");
    text.append(std::to_string(value)).append("\n");
  };
  requests("allowed", read(metrics_.kube_requests_allowed));
  requests("denied", read(metrics_.kube_requests_denied));
  requests("failed", read(metrics_.kube_requests_failed));
  AddMetric(text, "mk8s_kube_requests_open", "gauge", "Kubernetes requests under way.",
            read(metrics_.kube_requests_open));
  AddMetric(text, "mk8s_kube_request_bytes_total", "counter", "Request body bytes relayed.",
            read(metrics_.kube_bytes_in));
  AddMetric(text, "mk8s_kube_response_bytes_total", "counter", "Response body bytes relayed.",
            read(metrics_.kube_bytes_out));
  AddMetric(text, "mk8s_streams_cut_total", "counter", "Open requests ended by a withdrawn right.",
            read(metrics_.streams_cut));
  AddMetric(text, "mk8s_agents_registered_total", "counter", "Successful agent registrations.",
            read(metrics_.agents_registered));
  AddMetric(text, "mk8s_agents_refused_total", "counter", "Agents refused.",
            read(metrics_.agents_refused));
  AddMetric(text, "mk8s_agents_fenced_total", "counter", "Tunnels refused for an old epoch.",
            read(metrics_.agents_fenced));
  AddMetric(text, "mk8s_tunnel_connections", "gauge", "Open tunnel connections.",
            static_cast<std::int64_t>(services_.tunnels.Connections()));
  AddMetric(text, "mk8s_audit_writable", "gauge", "1 while the audit log can be written.",
            services_.audit.Writable() ? 1 : 0);
  return text;
}

}  // namespace mk8s::central
