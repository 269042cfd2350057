// See authenticator.h.
#include "central/authenticator.h"

#include <array>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "auth/jwt.h"
#include "auth/signing_key.h"
#include "base/text.h"

namespace mk8s::central {
namespace {

// Verified tokens remembered per shard; at about 1.2 KB each, 16 shards hold at most 40 MB.
constexpr std::size_t kTokensPerShardMax = 2'000;
constexpr std::size_t kShards = 16;

Error Refused(std::string why) {
  return MakeError(ErrorCode::kUnauthenticated,
                   "the session is not valid any more; run: mk8s login", std::move(why));
}

}  // namespace

// An RSA verification costs 30 us and more; a request on a known token needs none.  Only the
// signature's result is kept: the session, the user and the time are looked at each time.
struct Authenticator::Cache {
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, auth::TokenClaims> verified;
  };
  std::array<Shard, kShards> shards;

  Shard& For(std::string_view token) {
    return shards[std::hash<std::string_view>{}(token) % kShards];
  }
};

Authenticator::Authenticator(const auth::SigningKey& key, const Clock& clock,
                             const Snapshots& snapshots)
    : key_(key), clock_(clock), snapshots_(snapshots), cache_(std::make_unique<Cache>()) {}

Authenticator::~Authenticator() = default;

Result<Principal> Authenticator::Authenticate(std::string_view token) const {
  if (token.empty()) {
    return MakeError(ErrorCode::kUnauthenticated, "no credentials were given; run: mk8s login");
  }
  Cache::Shard& shard = cache_->For(token);
  std::string key(token);
  std::optional<auth::TokenClaims> claims;
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.verified.find(key);
    if (found != shard.verified.end()) claims = found->second;
  }
  if (!claims) {
    MK8S_ASSIGN_OR_RETURN(claims, auth::VerifyToken(token, {&key_, 1}, {}, clock_.Now()));
    const std::lock_guard lock(shard.mutex);
    if (shard.verified.size() >= kTokensPerShardMax) shard.verified.clear();
    shard.verified.emplace(std::move(key), *claims);
  }
  Result<Principal> principal = Again(snapshots_.Current(), claims->session_id, claims->expires_at);
  if (principal && principal->user->id != claims->subject) {
    return Refused("the session belongs to another user than the token");
  }
  return principal;
}

Result<Principal> Authenticator::Again(std::shared_ptr<const Snapshot> snapshot,
                                       std::string_view session_id,
                                       WallTime token_expires_at) const {
  const WallTime now = clock_.Now();
  if (now >= token_expires_at) return Refused("the token expired");
  const LoginSession* session = snapshot->SessionById(session_id);
  if (session == nullptr || now >= session->expires_at) return Refused("the session ended");
  const User* user = snapshot->UserById(session->user_id);
  if (user == nullptr) return Refused("the user was deleted");
  if (user->disabled) return Refused("the user is disabled");
  const bool change_required = user->password_change_required;
  return Principal{.snapshot = std::move(snapshot),
                   .user = user,
                   .session = session,
                   .token_expires_at = token_expires_at,
                   .password_change_required = change_required};
}

std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      !EqualsIgnoreCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return {};
  }
  return TrimSpace(authorization.substr(kScheme.size()));
}

}  // namespace mk8s::central
