// What the parts of central share, built once by Serve and handed down by reference.  All of it
// outlives every loop's work.
#pragma once

#include <string>

#include "base/clock.h"

namespace mk8s {
namespace auth {
class ContinueTokens;
class SigningKey;
}  // namespace auth
namespace config {
struct CentralConfig;
}
namespace net {
class WorkPool;
}
namespace store {
class Store;
}
}  // namespace mk8s

namespace mk8s::central {

class AuditLog;
class Authenticator;
class Snapshots;
class Tunnels;

struct Services {
  const config::CentralConfig& config;
  const Clock& clock;
  store::Store& store;   // blocking: only from `pool`
  net::WorkPool& pool;   // SQL, bcrypt, files
  Snapshots& snapshots;  // users, roles, sessions, clusters in memory
  AuditLog& audit;
  const auth::SigningKey& signing_key;
  const auth::ContinueTokens& continue_tokens;  // of filtered lists
  const Authenticator& authenticator;
  Tunnels& tunnels;    // connected agents
  std::string ca_pem;  // of our own CA, for `clusters add` and the ready file
};

}  // namespace mk8s::central
