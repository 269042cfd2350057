// See password.h.
#include "auth/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/limits.h"

namespace mk8s::auth {
namespace {

constexpr std::size_t kSaltBytes = 16;

// 48 bytes are 64 characters: under bcrypt's 72, without NUL.  The key only separates this use of
// the password from any other; it is no secret.
Secret PreHash(const Secret& password) {
  constexpr std::string_view key = "mk8s password v1";
  std::string digest(48, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha384(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(password.Reveal().data()), password.Reveal().size(),
       reinterpret_cast<unsigned char*>(digest.data()), &size);
  Secret encoded(Base64Encode(digest));
  OPENSSL_cleanse(digest.data(), digest.size());
  return encoded;
}

std::string Setting(int cost) {
  const std::string salt = RandomBytes(kSaltBytes);
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  const char* made = crypt_gensalt_rn("$2b$", static_cast<unsigned long>(cost), salt.data(),
                                      static_cast<int>(salt.size()), setting, sizeof(setting));
  return made == nullptr ? std::string() : made;
}

// Empty when `setting` is malformed.
std::string Bcrypt(const Secret& password, const std::string& setting) {
  const auto scratch = std::make_unique<crypt_data>();  // 32 KiB: too much for a pool's stack
  const Secret prehashed = PreHash(password);
  const char* hash = crypt_r(prehashed.Reveal().c_str(), setting.c_str(), scratch.get());
  std::string result = hash == nullptr || hash[0] == '*' ? std::string() : hash;
  OPENSSL_cleanse(scratch.get(), sizeof(crypt_data));
  return result;
}

bool IsBcrypt(const std::string& hash) { return hash.size() == 60 && hash.starts_with("$2b$"); }

}  // namespace

Result<void> CheckPasswordRules(const Secret& password) {
  const std::size_t size = password.Reveal().size();
  if (size < limits::kPasswordBytesMin) {
    return MakeError(ErrorCode::kInvalidArgument, "the password is too short: at least " +
                                                      std::to_string(limits::kPasswordBytesMin) +
                                                      " characters are needed");
  }
  if (size > limits::kPasswordBytesMax) {
    return MakeError(ErrorCode::kInvalidArgument, "the password is too long: at most " +
                                                      std::to_string(limits::kPasswordBytesMax) +
                                                      " bytes are allowed");
  }
  return {};
}

Result<std::string> HashPassword(const Secret& password, int cost) {
  std::string hash = Bcrypt(password, Setting(cost));
  if (!IsBcrypt(hash)) {
    return MakeError(ErrorCode::kInternal, "cannot hash the password",
                     "libxcrypt refused bcrypt with cost " + std::to_string(cost));
  }
  return hash;
}

bool VerifyPassword(const Secret& password, const std::string& hash) {
  const std::string computed = IsBcrypt(hash) ? Bcrypt(password, hash) : std::string();
  if (computed.empty()) {
    DummyVerify(password);
    return false;
  }
  return ConstantTimeEqual(computed, hash);
}

void DummyVerify(const Secret& password, int cost) { (void)Bcrypt(password, Setting(cost)); }

Secret GenerateOneTimePassword() {
  // 32 characters: 5 bits each, without i, l, o and u.
  constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  constexpr std::size_t characters = 24, group = 6;
  std::string bytes = RandomBytes(characters);
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) {
    if (i > 0 && i % group == 0) text += '-';
    text += alphabet[static_cast<unsigned char>(bytes[i]) % alphabet.size()];
  }
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return Secret(std::move(text));
}

}  // namespace mk8s::auth
