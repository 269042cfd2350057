// See diagnostics.h.
#include "central/diagnostics.h"

#include "central/audit_log.h"
#include "central/tunnels.h"

namespace mk8s::central {
namespace {

void AddMetric(std::string& text, std::string_view name, std::string_view type,
               std::string_view help, std::int64_t value) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text.append(name).append(" ").append(type).append("\n");
  text.append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

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
  AddMetric(text, "mk8s_exec_commands_total", "counter", "Commands run beside agents.",
            read(metrics_.exec_commands));
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
