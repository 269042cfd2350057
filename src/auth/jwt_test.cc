// Tokens: what was signed comes back, and every forgery of a table is refused for its own reason.
#include "auth/jwt.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base/encoding.h"

namespace mk8s::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const WallTime kNow = WallTime(1'790'000'000s);

const SigningKey& Key() {
  static const SigningKey key = *SigningKey::Generate();
  return key;
}

TokenClaims Claims() {
  TokenClaims claims;
  claims.subject = "0b9f2a54-6f5f-4c1e-9a53-111111111111";
  claims.email = "dev@example.com";
  claims.session_id = "0b9f2a54-6f5f-4c1e-9a53-222222222222";
  claims.id = "0b9f2a54-6f5f-4c1e-9a53-333333333333";
  claims.issued_at = kNow - 1h;
  claims.expires_at = kNow + 1h;
  return claims;
}

Result<TokenClaims> Verify(std::string_view token, WallTime now = kNow) {
  return VerifyToken(token, std::span(&Key(), 1), TokenExpectation{}, now);
}

std::string SignedBy(const SigningKey& key, std::string_view header, std::string_view claims) {
  const std::string part = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.native());
  std::string signature(512, '\0');
  std::size_t size = signature.size();
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>(part.data()), part.size());
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return part + "." + Base64UrlEncode(signature);
}

std::string Header(std::string_view extra = "") {
  return R"({"alg":"RS256","typ":"JWT","kid":")" + Key().key_id() + "\"" + std::string(extra) + "}";
}

// Claims with one piece of the JSON replaced.
std::string ClaimsText(std::string_view from = "", std::string_view to = "") {
  std::string text = R"({"iss":"mk8s","aud":"mk8s-central","sub":"u","email":"e@x","sid":"s",)"
                     R"("token_type":"access","jti":"j","iat":1789996400,"exp":1790003600})";
  if (const auto at = text.find(from); !from.empty() && at != text.npos) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string PublicPem() {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, Key().native());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string pem(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

std::string Hs256WithPublicKey() {
  const std::string header = R"({"alg":"HS256","typ":"JWT","kid":")" + Key().key_id() + "\"}";
  const std::string part = Base64UrlEncode(header) + "." + Base64UrlEncode(ClaimsText());
  const std::string pem = PublicPem();
  unsigned char mac[32];
  unsigned int size = 0;
  HMAC(EVP_sha256(), pem.data(), static_cast<int>(pem.size()),
       reinterpret_cast<const unsigned char*>(part.data()), part.size(), mac, &size);
  return part + "." + Base64UrlEncode({reinterpret_cast<char*>(mac), size});
}

TEST(Jwt, GivesBackWhatWasSigned) {
  const Result<Secret> token = SignToken(Claims(), Key());
  ASSERT_TRUE(token);
  const auto claims = Verify(token->Reveal());
  ASSERT_TRUE(claims) << claims.error().detail;
  EXPECT_EQ(*claims, Claims());
  EXPECT_EQ(token->Reveal().substr(0, token->Reveal().find('.')),
            Base64UrlEncode(R"({"alg":"RS256","kid":")" + Key().key_id() + R"(","typ":"JWT"})"));
}

TEST(Jwt, AcceptsTheTestsOwnToken) {  // so that the refusals below are for their own reasons
  const auto claims = Verify(SignedBy(Key(), Header(), ClaimsText()));
  EXPECT_TRUE(claims) << claims.error().detail;
}

TEST(Jwt, RefusesForgeries) {
  const SigningKey other = *SigningKey::Generate();
  const std::string good = SignedBy(Key(), Header(), ClaimsText());
  const std::string claims = Base64UrlEncode(ClaimsText());
  std::string tampered = good;
  tampered[good.find('.') + 20] ^= 1;
  std::string other_signature = good;
  other_signature[other_signature.size() - 20] ^= 1;
  const auto with_header = [&](std::string_view header) {
    return SignedBy(Key(), header, ClaimsText());
  };
  const auto with_claims = [&](std::string_view from, std::string_view to) {
    return SignedBy(Key(), Header(), ClaimsText(from, to));
  };
  const struct {
    const char* what;
    std::string token;
    const char* reason;
  } cases[] = {
      {"empty", "", "not three parts"},
      {"two parts", good.substr(0, good.rfind('.')), "not three parts"},
      {"four parts", good + ".x", "base64url"},
      {"a space behind", good + " ", "base64url"},
      {"padding", good + "==", "base64url"},
      {"alg none", Base64UrlEncode(R"({"alg":"none"})") + "." + claims + ".", "alg"},
      {"alg none with our kid", with_header(R"({"alg":"none","kid":")" + Key().key_id() + "\"}"),
       "alg"},
      {"HS256 under the public key", Hs256WithPublicKey(), "alg"},
      {"RS512", with_header(R"({"alg":"RS512","kid":")" + Key().key_id() + "\"}"), "alg"},
      {"alg in lower case", with_header(R"({"alg":"rs256","kid":")" + Key().key_id() + "\"}"),
       "alg"},
      {"no kid", with_header(R"({"alg":"RS256","typ":"JWT"})"), "kid is not ours"},
      {"another kid", with_header(R"({"alg":"RS256","typ":"JWT","kid":"x"})"), "kid is not ours"},
      {"our kid, another's signature", SignedBy(other, Header(), ClaimsText()), "signature"},
      {"jku", with_header(Header(R"(,"jku":"https://evil.example/keys")")), "jku"},
      {"jwk", with_header(Header(R"(,"jwk":{"kty":"RSA"})")), "flat JSON"},
      {"x5u", with_header(Header(R"(,"x5u":"https://evil.example/cert")")), "x5u"},
      {"crit", with_header(Header(R"(,"crit":["exp"])")), "flat JSON"},
      {"typ of something else",
       with_header(R"({"alg":"RS256","typ":"at+jwt","kid":")" + Key().key_id() + "\"}"), "typ"},
      {"two algs", with_header(Header(R"(,"alg":"none")")), "flat JSON"},
      {"changed claims", tampered, "signature"},
      {"changed signature", other_signature, "signature"},
      {"cut signature", good.substr(0, good.size() - 4), "signature"},
      {"no signature", good.substr(0, good.rfind('.') + 1), "signature"},
      {"huge", good + std::string(kTokenBytesMax, 'A'), "bound"},
      {"another issuer", with_claims("\"mk8s\"", "\"evil\""), "issuer"},
      {"another audience", with_claims("mk8s-central", "mk8s-agent"), "audience"},
      {"an audience list", with_claims("\"mk8s-central\"", "[\"mk8s-central\"]"), "flat JSON"},
      {"another type", with_claims("\"access\"", "\"refresh\""), "token type"},
      {"no subject", with_claims(R"("sub":"u",)", ""), "no sub"},
      {"an empty session", with_claims(R"("sid":"s")", R"("sid":"")"), "no sid"},
      {"no expiry", with_claims(R"(,"exp":1790003600)", ""), "no exp"},
      {"an expiry in text", with_claims("1790003600", "\"1790003600\""), "no exp"},
      {"a fractional expiry", with_claims("1790003600", "1790003600.5"), "flat JSON"},
      {"an expiry that overflows", with_claims("1790003600", "9223372036854775807"), "no exp"},
      {"an expiry beyond int64", with_claims("1790003600", "9223372036854775808"), "flat JSON"},
      {"a negative expiry", with_claims("1790003600", "-1"), "no exp"},
      {"the same claim twice", with_claims(R"("sub":"u")", R"("sub":"u","sub":"admin")"),
       "flat JSON"},
      {"the same claim twice, one escaped",
       with_claims(R"("sub":"u")", R"("sub":"u","s\u0075b":"admin")"), "flat JSON"},
      {"text behind the claims", SignedBy(Key(), Header(), ClaimsText() + "x"), "flat JSON"},
      {"deep claims", SignedBy(Key(), Header(), std::string(4000, '[')), "flat JSON"},
      {"expired", with_claims("1790003600", "1790000000"), "expired"},
      {"from the future", with_claims("1789996400", "1790000031"), "future"},
  };
  for (const auto& c : cases) {
    const auto claims_or = Verify(c.token);
    ASSERT_FALSE(claims_or) << c.what;
    EXPECT_EQ(claims_or.error().code, ErrorCode::kUnauthenticated) << c.what;
    EXPECT_THAT(claims_or.error().detail, HasSubstr(c.reason)) << c.what;
    EXPECT_THAT(claims_or.error().message, HasSubstr("mk8s login")) << c.what;
  }
}

TEST(Jwt, LivesUntilItsLastSecond) {
  const std::string token = SignToken(Claims(), Key())->Reveal();
  EXPECT_TRUE(Verify(token, kNow + 1h - 1ms));
  EXPECT_FALSE(Verify(token, kNow + 1h));
  EXPECT_TRUE(Verify(token, kNow - 1h - kClockSkewMax));
  EXPECT_FALSE(Verify(token, kNow - 1h - kClockSkewMax - 1s));
}

TEST(Jwt, EscapesClaims) {
  TokenClaims claims = Claims();
  claims.email = "a\"b\\c\n\x01@example.com";
  const auto back = Verify(SignToken(claims, Key())->Reveal());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->email, claims.email);
}

TEST(Jwt, VerifiesWithAnyOfSeveralKeys) {
  const std::vector<SigningKey> keys = {*SigningKey::Generate(), Key()};
  const std::string token = SignToken(Claims(), Key())->Reveal();
  EXPECT_TRUE(VerifyToken(token, keys, TokenExpectation{}, kNow));
  EXPECT_FALSE(VerifyToken(token, std::span(keys).first(1), TokenExpectation{}, kNow));
  EXPECT_FALSE(VerifyToken(token, {}, TokenExpectation{}, kNow));
}

TEST(SigningKey, SurvivesItsPem) {
  const auto back = SigningKey::FromPem(Key().Pem());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->key_id(), Key().key_id());
  EXPECT_EQ(SigningKey::FromPem(Secret("nonsense")).error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(SigningKey::FromPem(Secret(PublicPem())).error().code, ErrorCode::kDataLoss);
}

TEST(SigningKey, ListsPublicHalvesOnly) {
  const std::vector<SigningKey> keys = {Key(), *SigningKey::Generate()};
  const std::string json = JwksJson(keys);
  EXPECT_THAT(json,
              testing::StartsWith(R"({"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":")"));
  EXPECT_THAT(json, HasSubstr("\"e\":\"AQAB\"},{"));
  EXPECT_THAT(json, testing::Not(HasSubstr("\"d\":")));
  EXPECT_EQ(JwksJson({}), R"({"keys":[]})");
}

}  // namespace
}  // namespace mk8s::auth
