// See signing_key.h.
#include "auth/signing_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/encoding.h"

namespace mk8s::auth {
namespace {

constexpr int kKeyBits = 2048;
constexpr int kKeyBitsMax = 4096;

// A public number of the key as RFC 7518 section 2's Base64urlUInt.
std::string Number(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return Base64UrlEncode(bytes);
}

}  // namespace

SigningKey::SigningKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {
  const std::string modulus = Number(key_.get(), OSSL_PKEY_PARAM_RSA_N);
  const std::string exponent = Number(key_.get(), OSSL_PKEY_PARAM_RSA_E);
  // RFC 7638 section 3: the required members in lexicographic order, without white space.
  key_id_ = Base64UrlEncode(
      Sha256("{\"e\":\"" + exponent + "\",\"kty\":\"RSA\",\"n\":\"" + modulus + "\"}"));
  public_jwk_ = "{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"" + key_id_ +
                "\",\"n\":\"" + modulus + "\",\"e\":\"" + exponent + "\"}";
}

Result<SigningKey> SigningKey::Generate() {
  std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(kKeyBits), EVP_PKEY_free);
  if (!key) return MakeError(ErrorCode::kInternal, "cannot make a signing key");
  return SigningKey(std::move(key));
}

Result<SigningKey> SigningKey::FromPem(const Secret& pem) {
  const std::string& text = pem.Reveal();
  BIO* bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr),
                                EVP_PKEY_free);
  BIO_free(bio);
  const bool good = key && EVP_PKEY_is_a(key.get(), "RSA") &&
                    EVP_PKEY_get_bits(key.get()) >= kKeyBits &&
                    EVP_PKEY_get_bits(key.get()) <= kKeyBitsMax;
  if (!good) {
    return MakeError(ErrorCode::kDataLoss, "the stored signing key is not an RSA private key");
  }
  return SigningKey(std::move(key));
}

Secret SigningKey::Pem() const {
  BIO* bio = BIO_new(BIO_s_secmem());
  PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  Secret pem(std::string(bytes, static_cast<std::size_t>(size)));
  BIO_free(bio);
  return pem;
}

std::string JwksJson(std::span<const SigningKey> keys) {
  std::string out = "{\"keys\":[";
  for (const SigningKey& key : keys) {
    if (out.back() == '}') out += ',';
    out += key.public_jwk();
  }
  return out + "]}";
}

}  // namespace mk8s::auth
