// See rest.h.
#include "central/rest.h"

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "central/rest_exchange.h"

namespace mk8s::central {

Rest::Rest(Services& services)
    : services_(services),
      password_pool_(std::clamp(std::thread::hardware_concurrency(), 2u, 8u),
                     limits::kPasswordQueueMax) {}

std::shared_ptr<http::StreamEvents> Rest::OnRequest(http::RequestHead head, bool end,
                                                    std::shared_ptr<http::ResponseStream> stream,
                                                    net::Loop& loop, std::string_view peer_ip,
                                                    std::string request_id) {
  auto exchange = std::make_shared<RestExchange>(services_, password_pool_, loop, std::move(stream),
                                                 std::string(peer_ip), std::move(request_id));
  exchange->Start(std::move(head), end);
  return exchange;
}

}  // namespace mk8s::central
