// See aead.h.
#include "auth/aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

#include "base/ids.h"

namespace mk8s::auth {
namespace {

constexpr std::size_t kNonceBytes = 12, kTagBytes = 16;
static_assert(kNonceBytes + kTagBytes == kAeadOverheadBytes);

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Result<std::string> SealBytes(const Secret& key, std::string_view associated,
                              std::string_view plaintext) {
  const std::string nonce = RandomBytes(kNonceBytes);
  std::string ciphertext(plaintext.size(), '\0'), tag(kTagBytes, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  const bool good =
      cipher && key.Reveal().size() == kAeadKeyBytes &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key.Reveal()),
                         Bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(ciphertext), &size, Bytes(plaintext),
                        static_cast<int>(plaintext.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(ciphertext) + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  if (!good) return MakeError(ErrorCode::kInternal, "cannot encrypt");
  return nonce + ciphertext + tag;
}

std::optional<Secret> OpenBytes(const Secret& key, std::string_view associated,
                                std::string_view sealed) {
  if (key.Reveal().size() != kAeadKeyBytes || sealed.size() < kAeadOverheadBytes) return {};
  const std::string_view nonce = sealed.substr(0, kNonceBytes);
  const std::string_view ciphertext =
      sealed.substr(kNonceBytes, sealed.size() - kAeadOverheadBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plaintext(ciphertext.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  const bool good =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key.Reveal()),
                         Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(plaintext), &size, Bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(plaintext) + size, &size) == 1;
  if (!good) {
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return {};
  }
  return Secret(std::move(plaintext));
}

}  // namespace mk8s::auth
