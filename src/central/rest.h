// The REST interface of contract: accounts, clusters, roles, audit.  Everything that is not a
// Kubernetes request comes here.  rest_route.cc holds the one table of routes, each with the right
// it requires; rest_exchange.cc carries a request through check, body, handler and answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/stream.h"
#include "net/work_pool.h"

namespace mk8s::net {
class Loop;
}

namespace mk8s::central {

struct Services;

/// One for all loops.
class Rest {
 public:
  explicit Rest(Services& services);

  /// As http::Handler::OnRequest.  `peer_ip` is the client's address, `request_id` goes into
  /// X-Request-Id and the audit log.
  std::shared_ptr<http::StreamEvents> OnRequest(http::RequestHead head, bool end,
                                                std::shared_ptr<http::ResponseStream> stream,
                                                net::Loop& loop, std::string_view peer_ip,
                                                std::string request_id);

 private:
  Services& services_;
  // bcrypt alone, so that a flood of logins cannot hold up what only needs the database.
  net::WorkPool password_pool_;
};

}  // namespace mk8s::central
