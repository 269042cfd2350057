// See endpoint.h.
#include "command/endpoint.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/error_mapping.h"
#include "base/ids.h"
#include "base/limits.h"
#include "gateway/command_message.h"
#include "gateway/headers.h"
#include "gateway/relay.h"
#include "gateway/tunnel_message.h"
#include "kube/status.h"
#include "net/http_server.h"
#include "pki/certificate_authority.h"

namespace mk8s::command {
namespace {

constexpr std::string_view kAddress = "127.0.0.1";
constexpr std::string_view kBearer = "Bearer ";

gateway::Answer StatusAnswer(const Error& error) {
  return {.head = {.status = HttpStatus(error.code), .fields = kube::StatusFields(error)},
          .body = kube::StatusJson(error)};
}

}  // namespace

Result<EndpointTls> EndpointTls::Make() {
  const WallTime now = SystemClock().Now();
  MK8S_ASSIGN_OR_RETURN(
      const auto ca, pki::CertificateAuthority::Create("mk8s-agent's commands", pki::kCaLife, now));
  MK8S_ASSIGN_OR_RETURN(const pki::KeyPair pair,
                        ca.IssueServerCertificate({std::string(kAddress)}, pki::kCaLife, now));
  MK8S_ASSIGN_OR_RETURN(
      auto context, net::TlsContext::Server(
                        {.identity = {pair.certificate_pem, pair.key_pem},
                         .alpn = {std::string(net::kAlpnHttp2), std::string(net::kAlpnHttp1)}}));
  EndpointTls tls;
  tls.ca_pem_ = ca.certificate_pem();
  tls.context_ = std::make_shared<net::ReloadableTlsContext>(std::move(context));
  return tls;
}

Endpoint::Endpoint(net::Loop& loop, const EndpointTls& tls, http::ClientSession& central,
                   std::string command_id)
    : loop_(loop),
      tls_(tls),
      central_(central),
      command_id_(std::move(command_id)),
      token_(NewToken("mk8s_command_")) {}

net::ListenerOptions Endpoint::Options() const {
  return {.bind_address = std::string(kAddress),
          .connections_max = limits::kCommandConnectionsMax,
          .tls = tls_.context()};
}

// The connections keep the endpoint.
net::OnConnection Endpoint::Serve() {
  return [self = weak_from_this()](const std::shared_ptr<net::Connection>& connection) {
    const auto endpoint = self.lock();
    if (!endpoint || !endpoint->listener_) return connection->Close();
    net::ServeHttp(*connection, *endpoint);
    connection->SetOnClosed([endpoint](const Error&) {});
  };
}

Result<std::uint16_t> Endpoint::Listen() {
  MK8S_ASSIGN_OR_RETURN(listener_, net::Listener::Listen({&loop_}, Options(), Serve()));
  return listener_->port();
}

void Endpoint::Adopt(sandbox::OwnedFd listening) {
  listener_ = net::Listener::Adopt(loop_, listening.Take(), Options(), Serve());
}

std::string Endpoint::Kubeconfig(std::uint16_t port, const std::string& cluster_name) const {
  const std::string name = "mk8s-" + cluster_name;
  return "apiVersion: v1\nkind: Config\ncurrent-context: " + name + "\nclusters:\n- name: " + name +
         "\n  cluster:\n    server: https://" + std::string(kAddress) + ":" + std::to_string(port) +
         "\n    certificate-authority-data: " + Base64Encode(tls_.ca_pem()) +
         "\nusers:\n- name: " + name + "\n  user:\n    token: " + token_.Reveal() +
         "\ncontexts:\n- name: " + name + "\n  context:\n    cluster: " + name +
         "\n    user: " + name + "\n";
}

void Endpoint::Close() {
  if (const auto listener = std::exchange(listener_, nullptr)) {
    listener->Drain(std::chrono::milliseconds(0));
  }
}

std::shared_ptr<http::StreamEvents> Endpoint::OnRequest(
    http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) {
  const std::string_view credential = head.fields.Get("authorization");
  const bool known = credential.starts_with(kBearer) &&
                     ConstantTimeEqual(credential.substr(kBearer.size()), token_.Reveal());
  const bool upgrade = !head.protocol.empty();
  const auto relay = gateway::Relay::Make(
      std::move(stream), end,
      {.answer_error = [](const Error& error) { return StatusAnswer(error); },
       .map_head = [upgrade](http::ResponseHead from_central) -> Result<http::ResponseHead> {
         return gateway::DecodeFromTunnel(std::move(from_central), upgrade);
       },
       .map_trailers = gateway::ResponseFieldsForClient},
      nullptr);
  auto events = relay->downstream_events();
  if (known) {
    relay->Start(central_,
                 gateway::EncodeForCentral({.head = std::move(head), .command_id = command_id_}));
  } else {
    relay->Cut(MakeError(ErrorCode::kUnauthenticated, "This port is another command's."));
  }
  return events;
}

}  // namespace mk8s::command
