// A continue token opens for the user, cluster and list that it was made for, and for nobody else.
#include "auth/continue_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/encoding.h"
#include "base/limits.h"

namespace mk8s::auth {
namespace {

const SigningKey& Key() {
  static const SigningKey key = SigningKey::Generate().value();
  return key;
}

constexpr ContinueScope kScope{"user-1", "cluster-1", "/api/v1/pods?labelSelector=a"};
// As kube-apiserver writes it.
constexpr std::string_view kToken = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NywicyI6ImIvc2VjcmV0In0";

TEST(ContinueTokenTest, OpensForItsScopeOnEveryReplica) {
  const ContinueTokens tokens = ContinueTokens::FromSigningKey(Key()).value();
  const std::string sealed = tokens.Seal(kScope, kToken).value();
  EXPECT_EQ(tokens.Open(kScope, sealed).value(), kToken);
  EXPECT_THAT(sealed, testing::Not(testing::HasSubstr(std::string(kToken.substr(0, 8)))));
  EXPECT_NE(tokens.Seal(kScope, kToken).value(), sealed);

  const SigningKey same = SigningKey::FromPem(Key().Pem()).value();
  EXPECT_EQ(ContinueTokens::FromSigningKey(same)->Open(kScope, sealed).value(), kToken);
}

TEST(ContinueTokenTest, OpensForNothingElse) {
  const ContinueTokens tokens = ContinueTokens::FromSigningKey(Key()).value();
  const std::string sealed = tokens.Seal(kScope, kToken).value();
  const struct {
    const char* what;
    ContinueScope scope;
  } scopes[] = {
      {"another user", {"user-2", kScope.cluster_id, kScope.list}},
      {"another cluster", {kScope.user_id, "cluster-2", kScope.list}},
      {"another list", {kScope.user_id, kScope.cluster_id, "/api/v1/secrets?labelSelector=a"}},
      {"another selector", {kScope.user_id, kScope.cluster_id, "/api/v1/pods"}},
      {"the same letters", {"user-", "1cluster-1", kScope.list}},
      {"nobody", {"", "", ""}},
  };
  for (const auto& test : scopes) {
    const Result<std::string> opened = tokens.Open(test.scope, sealed);
    ASSERT_FALSE(opened) << test.what;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument) << test.what;
    EXPECT_EQ(opened.error().message, "the provided continue parameter is not valid");
  }
  const SigningKey other = SigningKey::Generate().value();
  EXPECT_FALSE(ContinueTokens::FromSigningKey(other)->Open(kScope, sealed)) << "another key";
}

TEST(ContinueTokenTest, RefusesWhatItDidNotMake) {
  const ContinueTokens tokens = ContinueTokens::FromSigningKey(Key()).value();
  const std::string sealed = tokens.Seal(kScope, kToken).value();
  for (const std::string& garbage :
       {std::string(), std::string("x"), std::string(kToken), std::string("***"), sealed + "A",
        sealed + "=", " " + sealed, sealed.substr(4), sealed.substr(0, sealed.size() - 4),
        std::string(100, 'A'), std::string(1 << 20, 'A'), sealed + sealed}) {
    const Result<std::string> opened = tokens.Open(kScope, garbage);
    ASSERT_FALSE(opened) << garbage.substr(0, 40);
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
  }
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.Open(kScope, changed)) << i;
  }
}

TEST(ContinueTokenTest, TellsNoLengthsAndKeepsAllBytes) {
  const ContinueTokens tokens = ContinueTokens::FromSigningKey(Key()).value();
  const std::size_t usual = tokens.Seal(kScope, "")->size();
  for (const std::size_t size : {1, 40, 300, 514, 574}) {
    EXPECT_EQ(tokens.Seal(kScope, std::string(size, 'x'))->size(), usual) << size;
  }
  const std::size_t longest = limits::kContinueBytesMax;
  for (const std::string& token : {std::string(), std::string("\0x\0", 3), std::string(575, 'x'),
                                   std::string(longest, '\xFF')}) {
    EXPECT_EQ(tokens.Open(kScope, tokens.Seal(kScope, token).value()).value(), token);
  }
  EXPECT_LT(tokens.Seal(kScope, std::string(longest, 'x'))->size(), limits::kTargetBytesMax);
  EXPECT_FALSE(tokens.Seal(kScope, std::string(longest + 1, 'x')));
}

}  // namespace
}  // namespace mk8s::auth
