// Sealed secrets open only with their own secret and name.
#include "auth/sealed_box.h"

namespace mk8s::auth {
namespace {

TEST(SealedBox, OpensOnlyWithItsSecretAndName) {
  const SealedBox box{Secret("a secret of the operator")};
  const std::string sealed = *box.Seal("signing_key", Secret("PEM"));
  EXPECT_THAT(sealed, testing::StartsWith("mk8s.v1."));
  EXPECT_THAT(sealed, testing::Not(testing::HasSubstr("PEM")));
  EXPECT_EQ(box.Open("signing_key", sealed)->Reveal(), "PEM");
  EXPECT_NE(sealed, *box.Seal("signing_key", Secret("PEM")));

  std::string changed = sealed;
  changed[changed.size() - 30] = changed[changed.size() - 30] == 'A' ? 'B' : 'A';
  const struct {
    const char* what;
    Result<Secret> opened;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {"another secret", SealedBox(Secret("another")).Open("signing_key", sealed),
       ErrorCode::kFailedPrecondition, "auth.jwt_secret does not match the database"},
      {"another name", box.Open("ca_key", sealed), ErrorCode::kFailedPrecondition,
       "auth.jwt_secret does not match the database"},
      {"changed", box.Open("signing_key", changed), ErrorCode::kFailedPrecondition,
       "auth.jwt_secret does not match the database"},
      {"cut", box.Open("signing_key", sealed.substr(0, 40)), ErrorCode::kDataLoss, "signing_key"},
      {"plain text", box.Open("signing_key", "-----BEGIN"), ErrorCode::kDataLoss, "signing_key"},
      {"empty", box.Open("signing_key", ""), ErrorCode::kDataLoss, "signing_key"},
      {"not base64url", box.Open("signing_key", "mk8s.v1.***"), ErrorCode::kDataLoss,
       "signing_key"},
  };
  for (const auto& c : cases) {
    ASSERT_FALSE(c.opened) << c.what;
    EXPECT_EQ(c.opened.error().code, c.code) << c.what;
    EXPECT_THAT(c.opened.error().message, testing::HasSubstr(c.message)) << c.what;
  }
}

TEST(SealedBox, SealsNothingToo) {
  const SealedBox box{Secret("s")};
  EXPECT_TRUE(box.Open("n", *box.Seal("n", Secret("")))->empty());
}

}  // namespace
}  // namespace mk8s::auth
