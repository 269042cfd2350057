// See sealed_box.h.
#include "auth/sealed_box.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

#include "base/encoding.h"
#include "base/ids.h"

namespace mk8s::auth {
namespace {

constexpr std::string_view kPrefix = "mk8s.v1.";
constexpr std::size_t kSaltBytes = 16, kNonceBytes = 12, kTagBytes = 16, kKeyBytes = 32;
constexpr std::uint64_t kScryptN = 1 << 15, kScryptR = 8, kScryptP = 1;
constexpr std::uint64_t kScryptMemoryMax = 64 * 1024 * 1024;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Result<Secret> DeriveKey(const Secret& secret, std::string_view salt) {
  std::string key(kKeyBytes, '\0');
  if (EVP_PBE_scrypt(secret.Reveal().data(), secret.Reveal().size(), Bytes(salt), salt.size(),
                     kScryptN, kScryptR, kScryptP, kScryptMemoryMax, Bytes(key), key.size()) != 1) {
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
  const std::string salt = RandomBytes(kSaltBytes), nonce = RandomBytes(kNonceBytes);
  MK8S_ASSIGN_OR_RETURN(const Secret key, DeriveKey(secret_, salt));
  const std::string& text = plaintext.Reveal();
  const std::string aad = AssociatedText(name);
  std::string ciphertext(text.size(), '\0'), tag(kTagBytes, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  const bool good =
      cipher &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key.Reveal()),
                         Bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(aad), static_cast<int>(aad.size())) ==
          1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(ciphertext), &size, Bytes(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(ciphertext) + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  if (!good) return MakeError(ErrorCode::kInternal, "cannot seal a secret for the database");
  return std::string(kPrefix) + Base64UrlEncode(salt + nonce + ciphertext + tag);
}

Result<Secret> SealedBox::Open(std::string_view name, std::string_view sealed) const {
  const auto corrupt = [&] {
    return MakeError(ErrorCode::kDataLoss,
                     "the stored secret " + std::string(name) + " is not a sealed text of mk8s");
  };
  if (!sealed.starts_with(kPrefix)) return corrupt();
  const Result<std::string> decoded = Base64UrlDecode(sealed.substr(kPrefix.size()));
  if (!decoded || decoded->size() < kSaltBytes + kNonceBytes + kTagBytes) return corrupt();
  const std::string_view whole = *decoded;
  const std::string_view salt = whole.substr(0, kSaltBytes);
  const std::string_view nonce = whole.substr(kSaltBytes, kNonceBytes);
  const std::string_view ciphertext =
      whole.substr(kSaltBytes + kNonceBytes, whole.size() - kSaltBytes - kNonceBytes - kTagBytes);
  std::string tag(whole.substr(whole.size() - kTagBytes));

  MK8S_ASSIGN_OR_RETURN(const Secret key, DeriveKey(secret_, salt));
  const std::string aad = AssociatedText(name);
  std::string plaintext(ciphertext.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  const bool good =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key.Reveal()),
                         Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(aad), static_cast<int>(aad.size())) ==
          1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(plaintext), &size, Bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(plaintext) + size, &size) == 1;
  if (!good) {
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return MakeError(ErrorCode::kFailedPrecondition,
                     "auth.jwt_secret does not match the database: start with the secret that the "
                     "database was made with",
                     "secret " + std::string(name) + " does not open");
  }
  return Secret(std::move(plaintext));
}

}  // namespace mk8s::auth
