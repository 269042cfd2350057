// Passwords that must not be interchangeable, and the time that unknown users cost.
#include "auth/password.h"

#include <set>

#include "base/limits.h"

namespace mk8s::auth {
namespace {

TEST(Password, VerifiesOnlyTheSamePassword) {
  using namespace std::string_literals;
  const std::string long73 = std::string(72, 'a');
  const struct {
    const char* what;
    std::string chosen, tried;
    bool same;
  } cases[] = {
      {"the same", "correct horse", "correct horse", true},
      {"another", "correct horse", "correct horsf", false},
      {"empty", "correct horse", "", false},
      {"73 bytes, the last differs", long73 + "x", long73 + "y", false},
      {"73 bytes, the same", long73 + "x", long73 + "x", true},
      {"NUL inside, the rest differs", "secret\0aaaa"s, "secret\0bbbb"s, false},
      {"NUL inside, the rest missing", "secret\0aaaa"s, "secret"s, false},
      {"UTF-8", "pässwörd", "pässwörd", true},
      {"1 KiB", std::string(1024, 'z'), std::string(1024, 'z'), true},
  };
  for (const auto& c : cases) {
    const auto hash = HashPassword(Secret(c.chosen), kBcryptCostMin);
    ASSERT_TRUE(hash) << c.what;
    EXPECT_TRUE(hash->starts_with("$2b$04$")) << *hash;
    EXPECT_EQ(VerifyPassword(Secret(c.tried), *hash), c.same) << c.what;
  }
}

TEST(Password, SaltsEachHash) {
  EXPECT_NE(*HashPassword(Secret("same"), kBcryptCostMin),
            *HashPassword(Secret("same"), kBcryptCostMin));
}

TEST(Password, RefusesMalformedHashes) {
  for (const char* hash : {"", "*0", "$2b$04$short", "$1$abc$def", "plain"}) {
    EXPECT_FALSE(VerifyPassword(Secret("plain"), hash)) << hash;
  }
  EXPECT_FALSE(HashPassword(Secret("x"), 99));
}

TEST(Password, UnknownUsersCostAsMuchTime) {
  const auto timed = [](auto call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    return std::chrono::steady_clock::now() - start;
  };
  const std::string hash = *HashPassword(Secret("right"), 10);
  const auto real = timed([&] { VerifyPassword(Secret("wrong"), hash); });
  const auto dummy = timed([&] { DummyVerify(Secret("wrong"), 10); });
  EXPECT_LT(dummy, real * 4);
  EXPECT_GT(dummy, real / 4);
}

TEST(Password, RulesBoundTheLength) {
  EXPECT_FALSE(CheckPasswordRules(Secret("1234567")));
  EXPECT_TRUE(CheckPasswordRules(Secret("12345678")));
  EXPECT_TRUE(CheckPasswordRules(Secret(std::string(limits::kPasswordBytesMax, 'a'))));
  EXPECT_FALSE(CheckPasswordRules(Secret(std::string(limits::kPasswordBytesMax + 1, 'a'))));
}

TEST(Password, OneTimePasswordsAreReadableAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const Secret password = GenerateOneTimePassword();
    EXPECT_TRUE(CheckPasswordRules(password));
    EXPECT_THAT(password.Reveal(),
                testing::MatchesRegex("[0-9a-hjkmnp-tv-z]{6}(-[0-9a-hjkmnp-tv-z]{6}){3}"));
    EXPECT_TRUE(seen.insert(password.Reveal()).second);
  }
}

}  // namespace
}  // namespace mk8s::auth
