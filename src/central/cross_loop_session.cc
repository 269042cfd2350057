// See cross_loop_session.h.
#include "central/cross_loop_session.h"

#include "net/connection.h"
#include "net/loop.h"

namespace mk8s::central {
namespace {

// Two objects, one a loop.  `Far` lives on the tunnel's loop and is the stream's events there;
// `Near` is what the client's side holds.  Order is kept because each direction posts to one loop
// only.  Backpressure holds end to end: Consume and OnSent cross too, so what is in flight between
// the loops is bounded by the windows.
class Far : public http::ResponseEvents {
 public:
  Far(net::Loop& near_loop, std::shared_ptr<http::ResponseEvents> near_events)
      : near_loop_(near_loop), near_events_(std::move(near_events)) {}

  void OnHead(http::ResponseHead head, bool end) override {
    ToNear([head = std::move(head), end](http::ResponseEvents& near) { near.OnHead(head, end); });
  }
  void OnBody(std::string_view bytes) override {
    ToNear([bytes = std::string(bytes)](http::ResponseEvents& near) { near.OnBody(bytes); });
  }
  void OnEnd(const http::Fields& trailers) override {
    ToNear([trailers](http::ResponseEvents& near) { near.OnEnd(trailers); });
  }
  void OnReset(http::ResetReason reason) override {
    ToNear([reason](http::ResponseEvents& near) { near.OnReset(reason); });
  }
  void OnSent(std::size_t bytes) override {
    ToNear([bytes](http::ResponseEvents& near) { near.OnSent(bytes); });
  }

  std::shared_ptr<http::Stream> stream;  // null until sent

 private:
  template <typename Call>
  void ToNear(Call call) {
    near_loop_.Post([near = near_events_, call = std::move(call)] { call(*near); });
  }

  net::Loop& near_loop_;
  std::shared_ptr<http::ResponseEvents> near_events_;
};

class Near : public http::Stream {
 public:
  Near(net::Loop& far_loop, std::shared_ptr<Far> far) : far_loop_(far_loop), far_(std::move(far)) {}

  void SendBody(std::string_view bytes) override {
    ToFar([bytes = std::string(bytes)](http::Stream& far) { far.SendBody(bytes); });
  }
  void SendEnd(const http::Fields& trailers) override {
    ToFar([trailers](http::Stream& far) { far.SendEnd(trailers); });
  }
  void Reset(http::ResetReason reason) override {
    ToFar([reason](http::Stream& far) { far.Reset(reason); });
  }
  void Consume(std::size_t bytes) override {
    ToFar([bytes](http::Stream& far) { far.Consume(bytes); });
  }

 private:
  template <typename Call>
  void ToFar(Call call) {
    far_loop_.Post([far = far_, call = std::move(call)] {
      if (far->stream != nullptr) call(*far->stream);
    });
  }

  net::Loop& far_loop_;
  std::shared_ptr<Far> far_;
};

}  // namespace

std::shared_ptr<http::Stream> CrossLoopSession::Send(const http::RequestHead& head, bool end,
                                                     std::shared_ptr<http::ResponseEvents> events) {
  auto far = std::make_shared<Far>(here_, std::move(events));
  tunnel_->loop->Post([tunnel = tunnel_, far, head, end] {
    if (tunnel->connection->closed()) return far->OnReset(http::ResetReason::kRefused);
    far->stream = tunnel->session->Send(head, end, far);
  });
  return std::make_shared<Near>(*tunnel_->loop, std::move(far));
}

}  // namespace mk8s::central
