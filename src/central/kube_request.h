// One Kubernetes request on its way through central.  Its life, in order: may it be (admission), is
// the agent there, is it in the audit log, relay, outcome.  docs/life_of_a_request.md follows one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/role_resources.h"
#include "base/result.h"
#include "central/exec_registry.h"
#include "central/kube_admission.h"
#include "central/narrow_list.h"
#include "central/resource_scopes.h"
#include "central/still_watch.h"
#include "central/tunnels.h"
#include "gateway/relay.h"
#include "gateway/tunnel_message.h"
#include "http/stream.h"
#include "models/audit.h"

namespace mk8s::central {

class KubeGateway;

/// Lives on the client's loop, from its head until the relay is done.
class KubeRequest : public gateway::RelayObserver,
                    public std::enable_shared_from_this<KubeRequest> {
 public:
  /// `command`: that made the request, beside its agent; null: a client did.
  KubeRequest(KubeGateway& gateway, net::Loop& loop, std::string peer_ip, std::string request_id,
              std::shared_ptr<const ExecCommand> command = nullptr);

  /// Takes the steps; what they refuse is answered and audited.  Returns what the client's session
  /// reports its body to.
  std::shared_ptr<http::StreamEvents> Start(Result<KubeRoute> route, http::RequestHead head,
                                            bool end, std::shared_ptr<http::ResponseStream> stream);

  /// Decides again as of `snapshot`; cuts the exchange where it would be refused now, or where
  /// nothing has come for too long.
  void Recheck(const std::shared_ptr<const Snapshot>& snapshot);

  /// The whole body of a self review came, or too much of one; see central/self_review.h.
  void OnReviewBody(Result<std::string> body);

  void OnDone(const gateway::RelayOutcome& outcome) override;

 private:
  Result<void> Admit(Result<KubeRoute> route);

  void CutIfStill();
  void Narrow();
  void AskScope(const Attributes& about, std::function<void(std::optional<bool>)> then);
  void FilterAnswer();
  void AnswerReview(const std::string& body, std::optional<auth::ResourceScope> scope);
  void AuditAndDispatch();
  void Dispatch();
  void Refuse(const Error& why);
  void Note(const std::string& reason);

  bool TunnelGone() const;
  http::ClientSession& TunnelSession();
  gateway::TunnelRequest Identity() const;
  gateway::Answer AnswerFor(const Error& why) const;
  gateway::RelayHooks Hooks();
  void DescribeForAudit();

  KubeGateway& gateway_;
  net::Loop& loop_;
  const std::shared_ptr<const ExecCommand> command_;
  KubeAdmission admission_;
  http::RequestHead head_;
  std::string protocol_;    // of the upgrade asked for; head_ is moved on by Dispatch
  bool wants_body_ = true;  // of an answer: not for HEAD
  bool end_ = false;
  std::shared_ptr<http::ResponseStream> stream_;
  std::shared_ptr<gateway::Relay> relay_;

  std::vector<std::string> roles_;  // that allowed it
  std::shared_ptr<Tunnel> tunnel_;
  std::shared_ptr<ScopeQuestion> question_;
  std::optional<NarrowList> narrow_;
  std::unique_ptr<http::ClientSession> across_;  // where the tunnel is on another loop

  std::optional<gateway::Answer> own_answer_;  // given instead of an error's: self reviews
  std::optional<AuditStatus> refused_as_;      // set where central itself ended the request
  AuditEvent event_;
  bool noted_ = false;    // event_ says how it ended
  bool begun_ = false;    // the event is in the log already
  bool counted_ = false;  // among the requests under way
  MonotonicTime started_{};
  StillWatch still_watch_;
};

}  // namespace mk8s::central
