// One REST request on its way: route, origin, session and right are checked before the body is
// read; then the handler runs where its route says, and the answer is sent.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "central/body_sender.h"
#include "central/rest_route.h"
#include "http/stream.h"
#include "net/loop.h"

namespace mk8s::net {
class WorkPool;
}

namespace mk8s::central {

/// Lives on one loop; its handler's turn on a pool apart, it is touched only there.
class RestExchange : public http::StreamEvents, public std::enable_shared_from_this<RestExchange> {
 public:
  RestExchange(Services& services, net::WorkPool& password_pool, net::Loop& loop,
               std::shared_ptr<http::ResponseStream> stream, std::string peer_ip,
               std::string request_id);

  /// Once, first.
  void Start(http::RequestHead head, bool end);

  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(http::ResetReason reason) override;
  void OnSent(std::size_t bytes) override;

 private:
  /// Everything that can be refused without the body; the route's principal.
  Result<void> Admit(const http::RequestHead& head);
  void Dispatch();
  void Refuse(const Error& error, std::string_view code = {});
  void Send(int status, std::string body);

  Services& services_;
  net::WorkPool& password_pool_;
  net::Loop& loop_;
  std::shared_ptr<http::ResponseStream> stream_;  // null once the exchange broke
  std::shared_ptr<RestCall> call_;
  const Route* route_ = nullptr;
  bool head_only_ = false;
  net::Timer body_deadline_;

  bool answered_ = false;
  std::string allow_;
  std::optional<BodySender> body_;  // of the answer
  std::size_t ignored_bytes_ = 0;   // of a body that came after the answer
};

}  // namespace mk8s::central
