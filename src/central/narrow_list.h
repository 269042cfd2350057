// A list or watch of which the user may see only a part.  The request is changed so that its answer
// can be filtered, and the answer is filtered: between a KubeRequest's admission and the relay.
// What the user may see is auth's to say, how a body is cut is kube's; here both meet.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/role_matcher.h"
#include "base/result.h"
#include "gateway/relay.h"
#include "http/message.h"
#include "kube/target.h"
#include "models/attributes.h"

namespace mk8s::auth {
class ContinueTokens;
}

namespace mk8s::central {

/// One narrowed request.  Outlives its relay.
class NarrowList {
 public:
  /// `tokens` outlives this.  Error: kExpired for a `continue` that was not made for this user,
  /// cluster and list; clients then list from the start.
  static Result<NarrowList> Make(const auth::ContinueTokens& tokens, std::string user_id,
                                 std::string cluster_id, const Attributes& attributes,
                                 kube::Target target, std::vector<auth::ListScope> scopes);

  /// For a list that is shown whole.  Error: kExpired where its `continue` was sealed while only a
  /// part was shown, as the pages before it lack what is shown now.
  static Result<void> RefuseSealed(const auth::ContinueTokens& tokens, std::string_view user_id,
                                   std::string_view cluster_id, const kube::Target& target);

  /// What the cluster is asked instead: the cluster's own `continue`, and Tables that say which
  /// object a row is of.
  const kube::Target& target() const { return target_; }

  /// Of the fields on their way to the cluster: JSON in place of every other encoding, no
  /// compression, nothing that asks for a part or by an unfiltered body's tag.
  static void AskForJson(http::Fields& fields);

  /// Drops what describes the unfiltered body.  Error: kBadGateway where the answer is in an
  /// encoding that cannot be filtered, and was not asked for.
  Result<http::ResponseHead> MapHead(http::ResponseHead head) const;

  /// Of a mapped head; null for a plain text error.
  std::unique_ptr<gateway::BodyFilter> Filter(const http::ResponseHead& mapped) const;

 private:
  NarrowList() = default;

  const auth::ContinueTokens* tokens_ = nullptr;
  std::string user_id_;
  std::string cluster_id_;
  std::string list_;  // what a `continue` is bound to
  kube::Target target_;
  std::vector<auth::ListScope> scopes_;
  bool watch_ = false;
  bool namespace_objects_ = false;
};

}  // namespace mk8s::central
