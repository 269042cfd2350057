// Which token a command gets, and when central is asked for a new one.
#include "cli/session_keeper.h"

#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr const char* kRefreshed =
    R"({"token":"token-2","expires_at":"2026-11-25T10:00:00Z",
        "refresh_token":"refresh-2","refresh_expires_at":"2026-12-24T10:00:00Z"})";
constexpr const char* kRefusal =
    R"({"error":{"code":"unauthenticated","message":"the session ended","request_id":"r"}})";

class SessionKeeperTest : public CliTest {
 protected:
  SessionKeeperTest() {
    settings.central_url = {kTestUrl, "config.yaml"};
    central.Answer("POST /auth/refresh", 200, kRefreshed);
  }

  std::string TokenOf(const Result<Session>& session) {
    return session ? session->token.Reveal() : "error: " + session.error().message;
  }

  Settings settings;
  CredentialStore store{Home(HomeFolder())};
  FakeTransport transport{central};
  SessionKeeper keeper{settings, store, transport, clock};
};

TEST_F(SessionKeeperTest, FreshTokenNeedsNoNetwork) {
  LogIn(minutes(6));
  EXPECT_EQ(TokenOf(keeper.Fresh()), "token-1");
  EXPECT_TRUE(central.exchanges().empty());
}

TEST_F(SessionKeeperTest, RefreshesBeforeExpiryAndStoresBoth) {
  LogIn(minutes(4));
  EXPECT_EQ(TokenOf(keeper.Fresh()), "token-2");
  EXPECT_EQ(central.exchanges().at(0).body, R"({"refresh_token":"refresh-1"})");
  const auto stored = store.Load(kTestUrl);
  ASSERT_TRUE(stored && *stored);
  EXPECT_EQ((*stored)->refresh_token.Reveal(), "refresh-2");
  EXPECT_EQ((*stored)->email, "dev@example.com");
  EXPECT_EQ(TokenOf(keeper.Fresh()), "token-2");
  EXPECT_EQ(central.exchanges().size(), 1u);
}

TEST_F(SessionKeeperTest, ShortLivedTokensAreUsedForMostOfTheirLife) {
  LogIn(minutes(1));
  Session session = **store.Load(kTestUrl);
  session.issued_at = clock.Now() - minutes(1);
  ASSERT_TRUE(store.Save(kTestUrl, session));
  EXPECT_EQ(TokenOf(keeper.Fresh()), "token-1");
  clock.Advance(std::chrono::seconds(40));
  EXPECT_EQ(TokenOf(keeper.Fresh()), "token-2");
}

TEST_F(SessionKeeperTest, UnreachableCentralLeavesTheOldToken) {
  LogIn(minutes(4));
  central.Fail(MakeError(ErrorCode::kUnavailable, "refused"));
  EXPECT_EQ(TokenOf(keeper.Fresh()), "token-1");
  clock.Advance(minutes(5));
  const Result<Session> expired = keeper.Fresh();
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, ErrorCode::kUnavailable);
}

TEST_F(SessionKeeperTest, EndedSessionNeedsLogin) {
  LogIn(minutes(-1));
  central = FakeCentral();
  central.Answer("POST /auth/refresh", 401, kRefusal);
  for (int i = 0; i < 2; ++i) {
    const Result<Session> session = keeper.Fresh();
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::kUnauthenticated);
    EXPECT_THAT(session.error().message,
                testing::HasSubstr("next: mk8s login https://mk8s.example.com"));
  }
  EXPECT_EQ(central.exchanges().size(), 1u) << "a dead refresh token is not tried again";
}

TEST_F(SessionKeeperTest, RefusedTokenIsRefreshedUnlessAnotherProcessDid) {
  LogIn(hours(1));
  EXPECT_EQ(TokenOf(keeper.AfterRefusal(Secret("an-older-token"))), "token-1");
  EXPECT_TRUE(central.exchanges().empty());
  EXPECT_EQ(TokenOf(keeper.AfterRefusal(Secret("token-1"))), "token-2");
}

TEST_F(SessionKeeperTest, VariableComesFirstAndIsNeverRefreshed) {
  LogIn(hours(1));
  settings.token = Secret("from-ci");
  EXPECT_EQ(TokenOf(keeper.Fresh()), "from-ci");
  const Result<Session> refused = keeper.AfterRefusal(Secret("from-ci"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("MK8S_TOKEN"));
  EXPECT_TRUE(central.exchanges().empty());
}

TEST_F(SessionKeeperTest, TokensAreKeptPerServer) {
  LogIn(hours(1));
  settings.central_url = {"https://evil.example.com", "--server"};
  const Result<Session> session = keeper.Fresh();
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kUnauthenticated);
  EXPECT_TRUE(central.exchanges().empty());
}

TEST_F(SessionKeeperTest, CredentialsArePrivate) {
  LogIn(hours(1));
  const auto permissions = [&](const std::filesystem::path& path) {
    return static_cast<int>(std::filesystem::status(path).permissions());
  };
  EXPECT_EQ(permissions(HomeFolder()), 0700);
  EXPECT_EQ(permissions(HomeFolder() / "credentials.json"), 0600);
}

}  // namespace
}  // namespace mk8s::cli
