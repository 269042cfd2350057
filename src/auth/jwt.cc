// See jwt.h.
#include "auth/jwt.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>

#include "auth/flat_json.h"
#include "base/encoding.h"

namespace mk8s::auth {
namespace {

using std::chrono::floor;
using std::chrono::seconds;

// One message for all, so that a forger learns nothing; the log gets the reason.
Error Refused(std::string reason) {
  return MakeError(ErrorCode::kUnauthenticated,
                   "the token is not valid; log in again with `mk8s login`",
                   "token refused: " + std::move(reason));
}

Error Expired() {
  return MakeError(ErrorCode::kUnauthenticated,
                   "the session has expired; log in again with `mk8s login`",
                   "token refused: expired");
}

std::int64_t Seconds(WallTime time) { return floor<seconds>(time).time_since_epoch().count(); }

struct ContextDeleter {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

// A context for RSASSA-PKCS1-v1_5 with SHA-256 on digests; `init` is EVP_PKEY_sign_init or
// EVP_PKEY_verify_init.
std::unique_ptr<EVP_PKEY_CTX, ContextDeleter> Rs256(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  // Fetched once: an implicit fetch for each token costs more than the verification's arithmetic.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  std::unique_ptr<EVP_PKEY_CTX, ContextDeleter> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const bool good = context && init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(context.get(), sha256) == 1;
  return good ? std::move(context) : nullptr;
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool SignatureVerifies(EVP_PKEY* key, std::string_view signed_part, std::string_view signature) {
  const auto context = Rs256(key, EVP_PKEY_verify_init);
  const std::string digest = Sha256(signed_part);
  return context && EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(),
                                    Bytes(digest), digest.size()) == 1;
}

std::string HeaderJson(const SigningKey& key) {
  return R"({"alg":"RS256","kid":")" + key.key_id() + R"(","typ":"JWT"})";
}

std::string ClaimsJson(const TokenClaims& claims) {
  const auto text = [](const char* name, std::string_view value) {
    return std::string("\"") + name + "\":" + JsonText(value) + ",";
  };
  return "{" + text("iss", claims.issuer) + text("aud", claims.audience) +
         text("sub", claims.subject) + text("email", claims.email) +
         text("sid", claims.session_id) + text("token_type", claims.token_type) +
         text("jti", claims.id) + "\"iat\":" + std::to_string(Seconds(claims.issued_at)) +
         ",\"exp\":" + std::to_string(Seconds(claims.expires_at)) + "}";
}

// The member's value where it is there with that type.
template <typename T>
const T* Member(const FlatObject& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : std::get_if<T>(&found->second);
}

bool Is(const FlatObject& object, std::string_view name, std::string_view value) {
  const std::string* text = Member<std::string>(object, name);
  return text != nullptr && *text == value;
}

// The key that the header names, if the header is exactly one of ours.
Result<const SigningKey*> KeyFor(std::string_view header_part, std::span<const SigningKey> keys) {
  const Result<std::string> json = Base64UrlDecode(header_part);
  if (!json) return Refused("header is not base64url");
  const Result<FlatObject> header = ParseFlatJson(*json);
  if (!header) return Refused("header is not flat JSON");
  if (!Is(*header, "alg", "RS256")) return Refused("alg is not RS256");
  for (const auto& [name, value] : *header) {
    if (name != "alg" && name != "kid" && name != "typ") return Refused("header has " + name);
  }
  if (header->contains("typ") && !Is(*header, "typ", "JWT")) return Refused("typ is not JWT");
  for (const SigningKey& key : keys) {
    if (Is(*header, "kid", key.key_id())) return &key;
  }
  return Refused("kid is not ours");
}

Result<TokenClaims> ReadClaims(std::string_view claims_part) {
  const Result<std::string> json = Base64UrlDecode(claims_part);
  if (!json) return Refused("claims are not base64url");
  const Result<FlatObject> object = ParseFlatJson(*json);
  if (!object) return Refused("claims are not flat JSON");
  TokenClaims claims;
  const std::pair<const char*, std::string*> texts[] = {
      {"iss", &claims.issuer},  {"aud", &claims.audience},   {"sub", &claims.subject},
      {"email", &claims.email}, {"sid", &claims.session_id}, {"token_type", &claims.token_type},
      {"jti", &claims.id},
  };
  for (const auto& [name, member] : texts) {
    const std::string* value = Member<std::string>(*object, name);
    if (value == nullptr || value->empty()) return Refused(std::string("no ") + name);
    *member = *value;
  }
  const std::pair<const char*, WallTime*> times[] = {{"iat", &claims.issued_at},
                                                     {"exp", &claims.expires_at}};
  for (const auto& [name, member] : times) {
    constexpr std::int64_t kYear9999 = 253'402'300'799;  // and no overflow in milliseconds
    const std::int64_t* value = Member<std::int64_t>(*object, name);
    if (value == nullptr || *value < 0 || *value > kYear9999) {
      return Refused(std::string("no ") + name);
    }
    *member = WallTime(seconds(*value));
  }
  return claims;
}

}  // namespace

Result<Secret> SignToken(const TokenClaims& claims, const SigningKey& key) {
  std::string token = Base64UrlEncode(HeaderJson(key)) + "." + Base64UrlEncode(ClaimsJson(claims));
  const std::string digest = Sha256(token);
  const auto context = Rs256(key.native(), EVP_PKEY_sign_init);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.native())), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                &size, Bytes(digest), digest.size()) != 1) {
    return MakeError(ErrorCode::kInternal, "cannot sign the token");
  }
  signature.resize(size);
  return Secret(token + "." + Base64UrlEncode(signature));
}

Result<TokenClaims> VerifyToken(std::string_view token, std::span<const SigningKey> keys,
                                const TokenExpectation& expected, WallTime now) {
  if (token.size() > kTokenBytesMax) return Refused("longer than the bound");
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return Refused("not three parts");
  MK8S_ASSIGN_OR_RETURN(const SigningKey* key, KeyFor(token.substr(0, first), keys));
  const Result<std::string> signature = Base64UrlDecode(token.substr(second + 1));
  if (!signature) return Refused("signature is not base64url");
  if (!SignatureVerifies(key->native(), token.substr(0, second), *signature)) {
    return Refused("signature does not verify");
  }
  MK8S_ASSIGN_OR_RETURN(TokenClaims claims,
                        ReadClaims(token.substr(first + 1, second - first - 1)));
  if (claims.issuer != expected.issuer) return Refused("another issuer");
  if (claims.audience != expected.audience) return Refused("another audience");
  if (claims.token_type != expected.token_type) return Refused("another token type");
  if (claims.issued_at > now + kClockSkewMax) return Refused("issued in the future");
  if (claims.expires_at <= now) return Expired();
  return claims;
}

}  // namespace mk8s::auth
