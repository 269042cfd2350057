// See transport.h.
#include "cli/transport.h"

#include "base/encoding.h"
#include "base/ids.h"
#include "cli/files.h"
#include "http/websocket.h"

namespace mk8s::cli {
namespace {

class NetTransport : public Transport {
 public:
  explicit NetTransport(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  Result<net::Response> Send(std::string_view method, std::string_view path,
                             const http::Fields& fields, std::string_view body) override {
    if (client_ == nullptr) MK8S_RETURN_IF_ERROR(Connect());
    return client_->Do(method, path, fields, body);
  }

  Result<net::Response> OpenWebSocket(std::string_view path, const http::Fields& fields,
                                      net::UpgradeHandler& handler) override {
    MK8S_ASSIGN_OR_RETURN(const net::BlockingClientOptions options, Options());
    http::Fields all = fields;
    all.Set("sec-websocket-version", "13");
    all.Set("sec-websocket-key", Base64Encode(RandomBytes(16)));
    return net::RunUpgrade(options, path, all, http::kWebSocketProtocol, handler);
  }

  Result<std::string> Fingerprint() override {
    MK8S_ASSIGN_OR_RETURN(const net::PeerIdentity peer,
                          net::FetchPeerIdentity(endpoint_.url, endpoint_.timeout));
    std::string spaced;
    for (std::size_t i = 0; i < peer.sha256.size(); ++i) {
      if (i > 0 && i % 2 == 0) spaced += ':';
      const char c = peer.sha256[i];
      spaced += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return spaced;
  }

 private:
  Result<net::BlockingClientOptions> Options() const {
    net::BlockingClientOptions options;
    options.base_url = endpoint_.url;
    options.insecure_skip_verify = endpoint_.insecure_skip_tls_verify;
    options.timeout = endpoint_.timeout;
    if (!endpoint_.ca_file.empty()) {
      MK8S_ASSIGN_OR_RETURN(options.ca_pem, ReadFile(endpoint_.ca_file));
    }
    return options;
  }

  Result<void> Connect() {
    MK8S_ASSIGN_OR_RETURN(const net::BlockingClientOptions options, Options());
    MK8S_ASSIGN_OR_RETURN(client_, net::BlockingClient::Create(options));
    return {};
  }

  Endpoint endpoint_;
  std::unique_ptr<net::BlockingClient> client_;
};

}  // namespace

std::unique_ptr<Transport> NewTransport(Endpoint endpoint) {
  return std::make_unique<NetTransport>(std::move(endpoint));
}

}  // namespace mk8s::cli
