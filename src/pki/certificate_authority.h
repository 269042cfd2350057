// mk8s' own certificate authority: signs what central serves with and what agents present.  The
// leaf is always another certificate than the CA, because some clients (rustls) refuse a CA as a
// server's. Used by central: at start for itself, in Register and RenewCertificate for agents.
// Pure; the clock comes in as `now`.  Thread-safe: a CertificateAuthority is immutable.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "pki/agent_identity.h"

namespace mk8s::pki {

inline constexpr std::chrono::hours kCaLife{24 * 3650};
inline constexpr std::chrono::hours kServerCertificateLife{24 * 90};
/// Certificates begin this long before `now`, for clocks that are behind.
inline constexpr std::chrono::minutes kBackdate{5};
/// A certificate request of ours is about 250 bytes; one for RSA 4096 about 1,600.  Over: refused.
inline constexpr std::size_t kCsrBytesMax = 4 * 1024;

/// A certificate with its key, in PEM.
struct KeyPair {
  std::string certificate_pem;  // leaf first, then the CA where it is a leaf
  Secret key_pem;               // PKCS #8
};

class CertificateAuthority {
 public:
  /// A new self-signed EC P-256 CA that may sign leaves only.  Error: kInternal.
  static Result<CertificateAuthority> Create(std::string_view common_name,
                                             std::chrono::seconds life, WallTime now);

  /// Error: kDataLoss when the two do not belong together or are no CA.
  static Result<CertificateAuthority> Load(const std::string& certificate_pem,
                                           const Secret& key_pem);

  const std::string& certificate_pem() const { return certificate_pem_; }
  /// To be sealed before it is stored.
  Secret KeyPem() const;

  /// A key (EC P-256) and a server certificate for `names`: DNS names, also "*.example.com", and IP
  /// addresses in text.  Error: kInvalidArgument naming the bad name; kInternal.
  Result<KeyPair> IssueServerCertificate(const std::vector<std::string>& names,
                                         std::chrono::seconds life, WallTime now) const;

  /// A client certificate for `identity` with the public key of `csr_der` (PKCS #10, DER), whose
  /// own signature must verify and of which nothing else is taken.  In PEM, without the CA: central
  /// has that, and would keep a copy for each connection.  Error: kInvalidArgument (malformed, too
  /// big, a weak or unknown kind of key); kInternal.
  Result<std::string> SignAgentCertificate(std::string_view csr_der, const AgentIdentity& identity,
                                           std::chrono::seconds life, WallTime now) const;

 private:
  struct State;
  explicit CertificateAuthority(std::shared_ptr<const State> state, std::string certificate_pem);

  std::shared_ptr<const State> state_;
  std::string certificate_pem_;
};

}  // namespace mk8s::pki
