// See sealed_box.h.
#include "auth/sealed_box.h"

#include <openssl/evp.h>

#include "auth/aead.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace mk8s::auth {
namespace {

constexpr std::string_view kPrefix = "mk8s.v1.";
constexpr std::size_t kSaltBytes = 16;
constexpr std::uint64_t kScryptN = 1 << 15, kScryptR = 8, kScryptP = 1;
constexpr std::uint64_t kScryptMemoryMax = 64 * 1024 * 1024;

Result<Secret> DeriveKey(const Secret& secret, std::string_view salt) {
  std::string key(kAeadKeyBytes, '\0');
  if (EVP_PBE_scrypt(secret.Reveal().data(), secret.Reveal().size(),
                     reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), kScryptN,
                     kScryptR, kScryptP, kScryptMemoryMax,
                     reinterpret_cast<unsigned char*>(key.data()), key.size()) != 1) {
    return MakeError(ErrorCode::kInternal, "cannot derive the key for the database's secrets");
  }
  return Secret(std::move(key));
}

// What is authenticated besides the ciphertext.
std::string AssociatedText(std::string_view name) {
  return std::string(kPrefix) + std::string(name);
}

}  // namespace

Result<std::string> SealedBox::Seal(std::string_view name, const Secret& plaintext) const {
  const std::string salt = RandomBytes(kSaltBytes);
  MK8S_ASSIGN_OR_RETURN(const Secret key, DeriveKey(secret_, salt));
  MK8S_ASSIGN_OR_RETURN(const std::string sealed,
                        SealBytes(key, AssociatedText(name), plaintext.Reveal()));
  return std::string(kPrefix) + Base64UrlEncode(salt + sealed);
}

Result<Secret> SealedBox::Open(std::string_view name, std::string_view sealed) const {
  const auto corrupt = [&] {
    return MakeError(ErrorCode::kDataLoss,
                     "the stored secret " + std::string(name) + " is not a sealed text of mk8s");
  };
  if (!sealed.starts_with(kPrefix)) return corrupt();
  const Result<std::string> decoded = Base64UrlDecode(sealed.substr(kPrefix.size()));
  if (!decoded || decoded->size() < kSaltBytes + kAeadOverheadBytes) return corrupt();
  const std::string_view whole = *decoded;
  MK8S_ASSIGN_OR_RETURN(const Secret key, DeriveKey(secret_, whole.substr(0, kSaltBytes)));
  std::optional<Secret> plaintext = OpenBytes(key, AssociatedText(name), whole.substr(kSaltBytes));
  if (!plaintext) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "auth.jwt_secret does not match the database: start with the secret that the "
                     "database was made with",
                     "secret " + std::string(name) + " does not open");
  }
  return *std::move(plaintext);
}

}  // namespace mk8s::auth
