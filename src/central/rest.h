// The REST interface of contract: accounts, clusters, roles, audit.  Everything that is not a
// Kubernetes request comes here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/stream.h"

namespace mk8s::net {
class Loop;
}

namespace mk8s::central {

struct Services;

/// One for all loops; holds no state of its own.
class Rest {
 public:
  explicit Rest(Services& services) : services_(services) {}

  /// As http::Handler::OnRequest.  `peer_ip` is the client's address, `request_id` goes into
  /// X-Request-Id and the audit log.
  std::shared_ptr<http::StreamEvents> OnRequest(http::RequestHead head, bool end,
                                                std::shared_ptr<http::ResponseStream> stream,
                                                net::Loop& loop, std::string_view peer_ip,
                                                std::string request_id);

 private:
  Services& services_;
};

}  // namespace mk8s::central
