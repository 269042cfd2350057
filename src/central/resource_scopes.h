// Whether custom resources belong to namespaces, as their clusters' discovery says: a grant in some
// namespaces shows a part of a namespaced resource's list, and refuses a cluster-scoped one.  Asked
// through the tunnel by a KubeRequest that needs to know, and remembered for a while.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/tunnel_message.h"
#include "http/stream.h"
#include "models/attributes.h"
#include "models/audit.h"
#include "net/loop.h"

namespace mk8s::central {

/// What was learned, and how many ask; thread-safe.
class ResourceScopes {
 public:
  explicit ResourceScopes(const Clock& clock) : clock_(clock) {}

  /// Nothing if it was not learned within limits::kResourceScopeLife.
  std::optional<bool> IsNamespaced(const std::string& cluster_id, const Attributes& attributes);
  void Learn(const std::string& cluster_id, const Attributes& attributes, bool namespaced);

  /// The right to ask, given back by its destruction; null where limits::kResourceScopeQuestionsMax
  /// questions are under way.
  std::shared_ptr<void> Enter();

 private:
  struct Known {
    bool namespaced = false;
    MonotonicTime until;
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;  // over kResourceScopesMax it starts anew
  std::atomic<std::size_t> asking_ = 0;
};

/// One question to a cluster: a few requests of its discovery, one after another, each in the audit
/// log.  Belongs to one loop.
class ScopeQuestion : public http::ResponseEvents,
                      public std::enable_shared_from_this<ScopeQuestion> {
 public:
  /// Nothing: the cluster does not know the resource.  Errors: kDeadlineExceeded, kUnavailable,
  /// kBadGateway for what is no discovery or too much of it.
  using Answer = Result<std::optional<bool>>;

  struct Way {
    /// The tunnel's session; null once it is gone.
    std::function<http::ClientSession*()> session;
    /// Takes the event of each request that was sent, once it is answered.
    std::function<void(AuditEvent)> record;
  };

  /// `identity`: the user that asks, and the authority; `event`: of the request on whose behalf.
  ScopeQuestion(net::Loop& loop, const Clock& clock, Way way, gateway::TunnelRequest identity,
                AuditEvent event);

  /// `done` is told once, not from within this call, unless Cancel comes first.
  void Ask(const Attributes& about, std::function<void(const Answer&)> done,
           std::chrono::milliseconds deadline);
  /// Nobody waits for it any more.
  void Cancel();

  void OnHead(http::ResponseHead head, bool end) override;
  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(http::ResetReason reason) override;
  void OnSent(std::size_t) override {}

 private:
  void SendNext();
  void TakeAnswer();
  void Record(AuditStatus status, const std::string& reason);
  void Fail(const Error& why);
  void Tell(const Answer& answer);

  net::Loop& loop_;
  const Clock& clock_;
  Way way_;
  gateway::TunnelRequest identity_;
  const AuditEvent of_;
  Attributes about_;
  std::function<void(const Answer&)> done_;  // null once told
  net::Timer deadline_;

  std::vector<std::string> paths_;  // still to be asked, last first
  std::size_t sent_ = 0;
  bool asks_group_ = false;  // the request under way is for the group's versions
  // Of the request under way.
  std::shared_ptr<http::Stream> stream_;
  AuditEvent event_;
  MonotonicTime began_{};
  std::string body_;
};

}  // namespace mk8s::central
