// See continue_token.h.
#include "auth/continue_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <initializer_list>

#include "auth/aead.h"
#include "base/encoding.h"
#include "base/limits.h"

namespace mk8s::auth {
namespace {

constexpr std::string_view kPurpose = "mk8s continue token v1";
// kube-apiserver's token for the longest namespace and name has 514 bytes, so that most tokens of
// all lists are of one length.
constexpr std::size_t kPadBytes = 576;
constexpr std::size_t kSizeBytes = 2;
constexpr std::size_t kPlaintextBytesMax =
    (kSizeBytes + limits::kContinueBytesMax + kPadBytes - 1) / kPadBytes * kPadBytes;
static_assert(limits::kContinueBytesMax < 1 << 16, "its size has two bytes");

Result<Secret> Hmac(std::string_view key, std::string_view text) {
  std::string digest(kAeadKeyBytes, '\0');
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(digest.data()), &size) == nullptr ||
      size != digest.size()) {
    return MakeError(ErrorCode::kInternal, "cannot derive a key for continue tokens");
  }
  return Secret(std::move(digest));
}

// Each text behind its length, so that no two scopes read the same.
Result<Secret> KeyOf(const Secret& root, const ContinueScope& scope) {
  std::string text;
  for (const std::string_view part : {scope.user_id, scope.cluster_id, scope.list}) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  }
  return Hmac(root.Reveal(), text);
}

Error NotValid() {
  return MakeError(ErrorCode::kInvalidArgument, "the provided continue parameter is not valid");
}

}  // namespace

Result<ContinueTokens> ContinueTokens::FromSigningKey(const SigningKey& key) {
  // RFC 5869 section 2: extract, then the first block of expand, which is all that is needed.
  MK8S_ASSIGN_OR_RETURN(const Secret extracted, Hmac("", key.Pem().Reveal()));
  MK8S_ASSIGN_OR_RETURN(Secret root, Hmac(extracted.Reveal(), std::string(kPurpose) + '\x01'));
  return ContinueTokens(std::move(root));
}

Result<std::string> ContinueTokens::Seal(const ContinueScope& scope,
                                         std::string_view cluster_token) const {
  const std::size_t size = cluster_token.size();
  if (size > limits::kContinueBytesMax) {
    return MakeError(ErrorCode::kBadGateway, "the cluster's continue parameter is too long");
  }
  MK8S_ASSIGN_OR_RETURN(const Secret key, KeyOf(root_, scope));
  std::string plaintext{static_cast<char>(size >> 8), static_cast<char>(size & 0xFF)};
  plaintext += cluster_token;
  plaintext.resize((plaintext.size() + kPadBytes - 1) / kPadBytes * kPadBytes);
  MK8S_ASSIGN_OR_RETURN(const std::string sealed, SealBytes(key, kPurpose, plaintext));
  return Base64UrlEncode(sealed);
}

Result<std::string> ContinueTokens::Open(const ContinueScope& scope, std::string_view token) const {
  if (token.size() > (kPlaintextBytesMax + kAeadOverheadBytes + 2) / 3 * 4) return NotValid();
  const Result<std::string> sealed = Base64UrlDecode(token);
  if (!sealed) return NotValid();
  MK8S_ASSIGN_OR_RETURN(const Secret key, KeyOf(root_, scope));
  const std::optional<Secret> opened = OpenBytes(key, kPurpose, *sealed);
  if (!opened || opened->Reveal().size() < kSizeBytes) return NotValid();
  const std::string& plaintext = opened->Reveal();
  const std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(plaintext[0])) << 8 |
                           static_cast<std::uint8_t>(plaintext[1]);
  if (size > plaintext.size() - kSizeBytes) return NotValid();
  return plaintext.substr(kSizeBytes, size);
}

}  // namespace mk8s::auth
