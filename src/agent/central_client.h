// One loop's way to central where the agent asks: the Kubernetes requests of commands beside the
// agent, on HTTP/2 connections to grpc_port that show the agent's certificate.
#pragma once

#include <memory>

#include "http/stream.h"
#include "net/client_pool.h"
#include "net/dialer.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::agent {

/// Loop thread only.
class CentralClient : public http::ClientSession {
 public:
  /// `tls` offers HTTP/2 and shows the newest certificate; before registration it shows none, and
  /// central refuses what is asked.
  CentralClient(net::Loop& loop, net::DialTarget central,
                std::shared_ptr<const net::ReloadableTlsContext> tls)
      : pool_(loop,
              {.target = std::move(central), .tls = std::move(tls), .upgrades_shared = true}) {}

  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events) override {
    return pool_.Send(head, end, std::move(events));
  }
  bool CanSend() const override { return true; }
  std::size_t OpenStreams() const override { return pool_.waiting(); }

  /// After the certificate changed: new connections from now on.
  void Renew() { pool_.Renew(); }

 private:
  net::ClientPool pool_;
};

}  // namespace mk8s::agent
