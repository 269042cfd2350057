// What both databases must do alike: sessions, refresh rotation, lockout.
#include <thread>

#include "base/limits.h"
#include "store/conformance_test.h"

namespace mk8s::store {
namespace {

using namespace std::chrono_literals;

TEST_P(StoreTest, SessionLivesUntilEndedOrExpired) {
  const User user = AddUser("anna@example.com");
  const LoginSession session = AddSession(user, "r1");
  auto state = store().LoadAll(kNow);
  ASSERT_EQ(state->sessions.size(), 1u);
  EXPECT_EQ(state->sessions[0].id, session.id);
  EXPECT_EQ(state->sessions[0].user_agent, "mk8s/0.1");
  EXPECT_EQ(state->users[0].last_login, kNow);
  EXPECT_EQ(LiveSessions(kNow + 24h), 0u) << "expired";

  EXPECT_EQ(CodeOf(store().EndSession(session.id, NewUuid(), kNow)), "not_found") << "not theirs";
  EXPECT_EQ(LiveSessions(), 1u);
  EXPECT_EQ(CodeOf(store().EndSession(session.id, user.id, kNow)), "ok");
  EXPECT_EQ(CodeOf(store().EndSession(session.id, "", kNow)), "ok") << "twice";
  EXPECT_EQ(LiveSessions(), 0u);
  EXPECT_EQ(CodeOf(store().RotateRefreshToken("r1", "r2", kNow)), "unauthenticated");
}

TEST_P(StoreTest, DisablingEndsSessionsAndRefusesNewOnes) {
  const User user = AddUser("anna@example.com");
  const LoginSession kept = AddSession(user, "r1");
  AddSession(user, "r2");
  ASSERT_TRUE(
      store().UpdateUser(user.id, {.end_sessions = true, .keep_session_id = kept.id}, kNow));
  EXPECT_EQ(LiveSessions(), 1u);
  ASSERT_TRUE(store().UpdateUser(user.id, {.disabled = true, .keep_session_id = kept.id}, kNow));
  EXPECT_EQ(LiveSessions(), 0u);
  const LoginSession late{.id = NewUuid(),
                          .user_id = user.id,
                          .created_at = kNow,
                          .expires_at = kNow + 1h,
                          .refresh_hash = "r3"};
  EXPECT_EQ(CodeOf(store().StartSession(late)), "permission_denied");
}

TEST_P(StoreTest, OldestSessionsMakeRoom) {
  const User user = AddUser("ci@example.com");
  const LoginSession first = AddSession(user, "r0", kNow - 1s);
  for (int i = 1; i <= limits::kSessionsPerUserMax; ++i) AddSession(user, "r" + std::to_string(i));
  const auto state = store().LoadAll(kNow);
  EXPECT_EQ(state->sessions.size(), static_cast<std::size_t>(limits::kSessionsPerUserMax));
  for (const LoginSession& session : state->sessions) EXPECT_NE(session.id, first.id);
}

TEST_P(StoreTest, AnySpentRefreshTokenEndsItsSession) {
  for (const char* stolen : {"r1", "r2"}) {
    const User user = AddUser(std::string(stolen) + "@example.com");
    AddSession(user, "r1");
    for (const auto& [old_hash, new_hash] : {std::pair("r1", "r2"), std::pair("r2", "r3")}) {
      const auto rotated = store().RotateRefreshToken(old_hash, new_hash, kNow);
      ASSERT_TRUE(rotated) << rotated.error().message;
      EXPECT_EQ(rotated->outcome, Rotation::kRotated);
      EXPECT_EQ(rotated->session.user_id, user.id);
    }
    const auto number = store().ChangeNumber();
    const auto reused = store().RotateRefreshToken(stolen, "r4", kNow);
    ASSERT_TRUE(reused);
    EXPECT_EQ(reused->outcome, Rotation::kReused);
    EXPECT_TRUE(reused->session.revoked_at);
    EXPECT_GT(*store().ChangeNumber(), *number) << "running servers must hear of it";
    EXPECT_EQ(CodeOf(store().RotateRefreshToken("r3", "r4", kNow)), "unauthenticated");
    EXPECT_EQ(CodeOf(store().RotateRefreshToken(stolen, "r4", kNow)), "unauthenticated");
    EXPECT_EQ(LiveSessions(), 0u);
    ASSERT_TRUE(store().DeleteUser(user.id));
  }
  EXPECT_EQ(CodeOf(store().RotateRefreshToken("never", "r4", kNow)), "unauthenticated");
}

TEST_P(StoreTest, ExpiredOrDisabledDoesNotRotate) {
  const User user = AddUser("anna@example.com");
  AddSession(user, "r1");
  EXPECT_EQ(CodeOf(store().RotateRefreshToken("r1", "r2", kNow + 24h)), "unauthenticated");
  EXPECT_EQ(CodeOf(store().RotateRefreshToken("r1", "r2", kNow + 23h)), "ok");
}

TEST_P(StoreTest, ParallelRefreshesNeverLeaveTwoLiveTokens) {
  const User user = AddUser("anna@example.com");
  for (int round = 0; round < 10; ++round) {
    const std::string old_hash = "old" + std::to_string(round);
    AddSession(user, old_hash);
    std::atomic<int> rotated = 0, reused = 0, refused = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 6; ++i) {
      clients.emplace_back([&, i] {
        const auto result = store().RotateRefreshToken(
            old_hash, "new" + std::to_string(round) + "-" + std::to_string(i), kNow);
        if (!result) {
          EXPECT_EQ(CodeOf(result), "unauthenticated") << result.error().detail;
          ++refused;
        } else {
          ++(result->outcome == Rotation::kRotated ? rotated : reused);
        }
      });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(rotated, 1);
    EXPECT_EQ(reused, 1);
    EXPECT_EQ(refused, 4);
    EXPECT_EQ(LiveSessions(), 0u);
  }
}

TEST_P(StoreTest, LockoutCountsFailuresInAWindow) {
  struct Case {
    const char* name;
    std::vector<std::chrono::milliseconds> failures_at;
    std::chrono::milliseconds asked_at;
    bool locked;
  };
  const Case cases[] = {
      {"four failures", {0s, 1s, 2s, 3s}, 4s, false},
      {"five failures", {0s, 1s, 2s, 3s, 4s}, 5s, true},
      {"just before the lock ends", {0s, 0s, 0s, 0s, 0s}, 15min - 1ms, true},
      {"after the lock ended", {0s, 0s, 0s, 0s, 0s}, 15min, false},
      {"spread over two windows", {0s, 1s, 2s, 3s, 15min}, 15min, false},
      {"a failure after the lock counts anew", {0s, 0s, 0s, 0s, 0s, 16min}, 16min, false},
  };
  for (const Case& test : cases) {
    const std::string account = std::string(test.name) + "@example.com";
    for (const auto at : test.failures_at) {
      ASSERT_TRUE(store().RecordLoginFailure(account, test.name, kNow + at));
    }
    const auto gate = store().CheckLogin(account, test.name, kNow + test.asked_at);
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->account_locked_until.has_value(), test.locked) << test.name;
    EXPECT_FALSE(gate->address_locked_until) << test.name;
  }
}

TEST_P(StoreTest, LockSurvivesARestartAndAFloodAndEndsByUnlock) {
  const User user = AddUser("victim@example.com");
  for (int i = 0; i < limits::kLoginFailuresPerAccountMax; ++i) {
    ASSERT_TRUE(store().RecordLoginFailure("Victim@example.com", "192.0.2.7", kNow));
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(store().RecordLoginFailure("x" + std::to_string(i), "192.0.2.8", kNow));
  }
  store_.reset();
  const auto gate = store().CheckLogin("victim@example.com", "192.0.2.9", kNow + 1s);
  EXPECT_EQ(gate->account_locked_until, kNow + limits::kLockout);
  EXPECT_FALSE(gate->address_locked_until);
  EXPECT_TRUE(store().CheckLogin("anyone", "192.0.2.8", kNow)->address_locked_until);
  EXPECT_EQ(*store().LockedAccounts(kNow), std::vector<std::string>{"victim@example.com"});
  const LoginSession session{.id = NewUuid(),
                             .user_id = user.id,
                             .created_at = kNow,
                             .expires_at = kNow + 1h,
                             .refresh_hash = "r"};
  EXPECT_EQ(CodeOf(store().StartSession(session)), "permission_denied")
      << "a guess that was right while others locked the account";

  ASSERT_TRUE(store().UnlockAccount("VICTIM@example.com"));
  EXPECT_TRUE(store().LockedAccounts(kNow)->empty());
  EXPECT_EQ(CodeOf(store().StartSession(session)), "ok");
}

TEST_P(StoreTest, PruneForgetsOnlyWhatEnded) {
  const User user = AddUser("anna@example.com");
  const LoginSession ended = AddSession(user, "r1");
  AddSession(user, "r2");
  ASSERT_TRUE(store().RotateRefreshToken("r1", "r1b", kNow));
  ASSERT_TRUE(store().EndSession(ended.id, "", kNow));
  ASSERT_TRUE(store().RecordLoginFailure("a", "192.0.2.1", kNow));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store().RecordLoginFailure("locked", "192.0.2.2", kNow - 16min));
  }
  EXPECT_EQ(*store().Prune(kNow), 2) << "the address's counter and the lock ended";
  EXPECT_EQ(*store().Prune(kNow + 1s), 1) << "the ended session";
  EXPECT_EQ(LiveSessions(), 1u);
}

}  // namespace
}  // namespace mk8s::store
