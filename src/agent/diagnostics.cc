// See diagnostics.h.
#include "agent/diagnostics.h"

namespace mk8s::agent {

std::string NotReadyBecause(const Status& status) {
  if (status.draining) return "shutting down";
  if (!status.registered) return "not registered with central";
  if (status.tunnels_open <= 0) return "no tunnel to central is open";
  return "";
}

std::string MetricsText(const Status& status, const command::Counters& commands) {
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
  counter("commands_started_total", "Commands that ran beside the agent.", commands.started);
  counter("commands_refused_total", "Commands that could not be run.", commands.refused);
  add("commands_running", "gauge", "Commands that run now.", commands.running);
  return text;
}

}  // namespace mk8s::agent
