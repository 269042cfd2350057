// Makes a request on a tunnel whose connection lives on another loop than the client's: the rare
// case, since agents open a tunnel connection for each of central's loops.  Every call and event is
// copied and posted to the other side.
#pragma once

#include <memory>

#include "central/tunnels.h"
#include "http/stream.h"

namespace mk8s::central {

class CrossLoopSession : public http::ClientSession {
 public:
  /// Calls come on `here`, events of its streams go there.
  CrossLoopSession(net::Loop& here, std::shared_ptr<Tunnel> tunnel)
      : here_(here), tunnel_(std::move(tunnel)) {}

  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events) override;
  /// Always true: whether the session can send is known on its own loop only.
  bool CanSend() const override { return true; }
  std::size_t OpenStreams() const override { return 0; }

 private:
  net::Loop& here_;
  std::shared_ptr<Tunnel> tunnel_;
};

}  // namespace mk8s::central
