// See kube_credential.h.
#include "agent/kube_credential.h"

#include <algorithm>

#include "agent/exec_plugin.h"
#include "base/text.h"

namespace mk8s::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTokenFileInterval{60};  // as client-go's CachedTokenSource
constexpr seconds kExpiryMargin{60};       // fetched anew this long before the end
constexpr seconds kRefreshMin{5};
constexpr seconds kPluginDeadline{60};

}  // namespace

KubeCredentialSource::KubeCredentialSource(ClusterAccess access, const Clock& clock)
    : access_(std::move(access)),
      clock_(clock),
      current_(std::make_shared<KubeCredential>(
          KubeCredential{access_.token, access_.identity, std::nullopt})) {}

std::shared_ptr<const KubeCredential> KubeCredentialSource::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<bool> KubeCredentialSource::Refresh(bool refused) {
  const std::lock_guard one_at_a_time(refreshing_);
  MK8S_ASSIGN_OR_RETURN(KubeCredential fresh, Load(refused));
  auto next = std::make_shared<const KubeCredential>(std::move(fresh));
  const std::lock_guard lock(mutex_);
  const bool other_certificate = next->identity.chain_pem != current_->identity.chain_pem;
  current_ = std::move(next);
  return other_certificate;
}

Result<KubeCredential> KubeCredentialSource::Load(bool refused) const {
  const std::shared_ptr<const KubeCredential> old = Current();
  if (!access_.token_file.empty()) {
    MK8S_ASSIGN_OR_RETURN(const std::string text,
                          ReadSmallFile(access_.token_file, "the API server's token"));
    const std::string_view token = TrimSpace(text);
    if (token.empty()) {
      return MakeError(ErrorCode::kFailedPrecondition,
                       "the token file " + access_.token_file + " is empty");
    }
    return KubeCredential{Secret(std::string(token)), access_.identity, std::nullopt};
  }
  if (!access_.exec) return *old;
  const bool have_one = !old->bearer.empty() || !old->identity.chain_pem.empty();
  const bool ending = old->expires_at && *old->expires_at - kExpiryMargin <= clock_.Now();
  if (have_one && !ending && !refused) return *old;
  MK8S_ASSIGN_OR_RETURN(KubeCredential made, RunExecPlugin(access_, kPluginDeadline));
  if (made.identity.chain_pem.empty()) made.identity = access_.identity;
  return made;
}

std::optional<milliseconds> KubeCredentialSource::RefreshIn() const {
  if (!access_.token_file.empty()) return kTokenFileInterval;
  const std::shared_ptr<const KubeCredential> current = Current();
  if (!access_.exec || !current->expires_at) return std::nullopt;
  return std::max<milliseconds>(*current->expires_at - kExpiryMargin - clock_.Now(), kRefreshMin);
}

}  // namespace mk8s::agent
