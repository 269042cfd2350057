// A request of ClientPool: waits for a connection with what was already written, then passes
// everything through; asks for another try when the peer refused it untouched.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/stream.h"

namespace mk8s::net {

/// Lives while the pool or a session holds it: with the asker's events, which may hold the asker's
/// Stream, so that one must not hold this.
class PooledRequest final : public http::ResponseEvents,
                            public std::enable_shared_from_this<PooledRequest> {
 public:
  /// The pool, as a request sees it.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The peer refused it and nothing of its body was given away: try once more.
    virtual void Refused(std::shared_ptr<PooledRequest> request) = 0;
    /// A stream ended, so there may be room for another.
    virtual void Ended() = 0;
  };

  PooledRequest(std::weak_ptr<Owner> owner, const http::RequestHead& head, bool end,
                std::shared_ptr<http::ResponseEvents> events);

  const http::RequestHead& head() const { return head_; }
  /// Ended, failed or reset: nothing may be sent for it any more.
  bool over() const { return over_ || reset_; }
  MonotonicTime due() const { return due_; }
  void set_due(MonotonicTime due) { due_ = due; }

  void Dispatch(http::ClientSession& session);
  void Fail(http::ResetReason reason);

  /// What the asker holds.
  std::shared_ptr<http::Stream> MakeStream();
  void SendBody(std::string_view bytes);
  void SendEnd(const http::Fields& trailers);
  void Reset(http::ResetReason reason);
  void Consume(std::size_t bytes);

  void OnHead(http::ResponseHead head, bool end) override;
  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(http::ResetReason reason) override;
  void OnSent(std::size_t bytes) override;

 private:
  void Ended();

  const std::weak_ptr<Owner> owner_;
  const http::RequestHead head_;
  const bool end_with_head_;
  std::shared_ptr<http::ResponseEvents> events_;
  std::shared_ptr<http::Stream> inner_;  // null while it waits
  std::string body_;                     // written while it waits
  std::optional<http::Fields> trailers_;
  bool body_given_ = false;
  bool answered_ = false;
  bool tried_again_ = false;
  bool reset_ = false;  // while it waited; the asker is told in a later turn
  bool over_ = false;
  MonotonicTime due_{};
};

}  // namespace mk8s::net
