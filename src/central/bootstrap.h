// First start and every start: what must exist before anything is served.  Safe when several
// replicas start together.
#pragma once

#include "auth/continue_token.h"
#include "auth/signing_key.h"
#include "base/clock.h"
#include "base/result.h"
#include "pki/certificate_authority.h"

namespace mk8s::config {
struct CentralConfig;
}
namespace mk8s::store {
class Store;
}

namespace mk8s::central {

struct Keys {
  auth::SigningKey signing_key;
  auth::ContinueTokens continue_tokens;
  pki::CertificateAuthority ca;
};

/// Creates server.data_dir (0700) where it is missing.  Under --dev fills in an empty
/// auth.jwt_secret from <data_dir>/jwt-secret, made at first start.  Errors name the path and what
/// to do.
Result<void> PrepareDataDir(config::CentralConfig& config);

/// The signing key and the CA from the store, made at first start; writes <data_dir>/ca.crt. Error:
/// kFailedPrecondition when auth.jwt_secret is not the one that sealed them.
Result<Keys> EnsureKeys(const config::CentralConfig& config, store::Store& store, WallTime now);

/// Built-in roles; and the first administrator, where there is no user at all: its one-time
/// password goes into <data_dir>/initial-admin-password (0600), never into the log.
Result<void> EnsureAccounts(const config::CentralConfig& config, store::Store& store, WallTime now);

}  // namespace mk8s::central
