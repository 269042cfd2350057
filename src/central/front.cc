// See front.h.
#include "central/front.h"

#include "base/ids.h"
#include "central/exec_gateway.h"
#include "central/kube_gateway.h"
#include "central/kube_route.h"
#include "central/rest.h"
#include "net/http_server.h"

namespace mk8s::central {

// One for each connection, because requests are told apart by their peer's address.
class Front::ConnectionHandler : public http::Handler {
 public:
  ConnectionHandler(Front& front, net::Connection& connection)
      : front_(front), loop_(connection.loop()), peer_ip_(connection.peer_ip()) {}

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    std::string request_id = NewRequestId(front_.services_.clock.Now());
    if (std::optional<Result<KubeRoute>> route = ParseKubeRoute(head.target)) {
      return front_.gateway_.OnRequest(*std::move(route), std::move(head), end, std::move(stream),
                                       loop_, peer_ip_, std::move(request_id));
    }
    if (std::optional<Result<std::string>> cluster = ParseExecRoute(head.target)) {
      return front_.exec_.OnRequest(*std::move(cluster), std::move(head), end, std::move(stream),
                                    loop_, peer_ip_, std::move(request_id));
    }
    return front_.rest_.OnRequest(std::move(head), end, std::move(stream), loop_, peer_ip_,
                                  std::move(request_id));
  }

 private:
  Front& front_;
  net::Loop& loop_;
  std::string peer_ip_;
};

Result<void> Front::Listen(net::LoopGroup& loops, const std::string& bind_address,
                           std::uint16_t port, std::shared_ptr<const net::ReloadableTlsContext> tls,
                           std::size_t connections_max) {
  MK8S_ASSIGN_OR_RETURN(
      listener_, net::Listener::Listen(loops,
                                       {.bind_address = bind_address,
                                        .port = port,
                                        .connections_max = connections_max,
                                        .tls = std::move(tls)},
                                       [this](const std::shared_ptr<net::Connection>& connection) {
                                         auto handler = std::make_shared<ConnectionHandler>(
                                             *this, *connection);
                                         net::ServeHttp(*connection, *handler);
                                         // The session refers to the handler until the connection
                                         // is closed.
                                         connection->SetOnClosed([handler](const Error&) {});
                                       }));
  return {};
}

}  // namespace mk8s::central
