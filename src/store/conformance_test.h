// The ground of the conformance suite: every test of StoreTest runs on SQLite and on PostgreSQL.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/ids.h"
#include "store/private_postgres_test.h"
#include "store/store.h"

namespace mk8s::store {

inline constexpr WallTime kNow{std::chrono::milliseconds(1'795'500'000'123)};

inline PrivatePostgres& Postgres() {
  static PrivatePostgres server;
  return server;
}

class StoreTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (driver() == "postgres") {
      url_ = Postgres().NewDatabase();
    } else {
      char name[] = "/tmp/mk8s-store-XXXXXX";
      folder_ = ::mkdtemp(name);
      url_ = "sqlite://" + folder_ + "/mk8s.db";
    }
  }
  void TearDown() override {
    store_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::string_view driver() const { return GetParam(); }
  /// Another connection to the same database, as another process would have.
  std::unique_ptr<Store> Open() {
    auto opened = OpenStore(driver(), Secret(url_), 4);
    if (!opened) {
      ADD_FAILURE() << opened.error().message << " | " << opened.error().detail;
      return nullptr;
    }
    return *std::move(opened);
  }
  Store& store() {
    if (!store_) store_ = Open();
    return *store_;
  }

  void AddRole(const std::string& name, bool admin) {
    const Role role{.name = name,
                    .admin = admin,
                    .grants = {{.cluster = "dev-*",
                                .namespaces = {"*"},
                                .verbs = {"get", "list"},
                                .resources = {"pods"}}}};
    ASSERT_TRUE(store().PutRole(role, Store::Put::kCreate));
  }
  User AddUser(const std::string& email, std::vector<std::string> roles = {}) {
    User user{.id = NewUuid(),
              .email = email,
              .password_hash = "$2b$04$x",
              .roles = roles,
              .created_at = kNow};
    const auto created = store().CreateUser(user);
    EXPECT_TRUE(created) << created.error().message << created.error().detail;
    return user;
  }
  LoginSession AddSession(const User& user, const std::string& refresh_hash,
                          WallTime created_at = kNow) {
    LoginSession session{.id = NewUuid(),
                         .user_id = user.id,
                         .created_at = created_at,
                         .expires_at = created_at + std::chrono::hours(24),
                         .refresh_hash = refresh_hash,
                         .source_ip = "192.0.2.1",
                         .user_agent = "mk8s/0.1"};
    const auto started = store().StartSession(session);
    EXPECT_TRUE(started) << started.error().message << started.error().detail;
    return session;
  }
  std::size_t LiveSessions(WallTime now = kNow) { return store().LoadAll(now)->sessions.size(); }

  std::string folder_;
  std::string url_;
  std::unique_ptr<Store> store_;
};

/// The code of a failed Result, or "ok": for EXPECT_EQ with a readable failure.
template <typename T>
std::string CodeOf(const Result<T>& result) {
  return result ? "ok" : std::string(Name(result.error().code));
}

}  // namespace mk8s::store
