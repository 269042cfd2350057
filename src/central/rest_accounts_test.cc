// Logins, tokens, passwords and users through REST (promises: Identity).
#include "central/rest_test.h"

namespace mk8s::central {
namespace {

using namespace std::chrono_literals;

std::string WithoutRequestId(const TestAnswer& answer) {
  boost::json::value value = answer.Json();
  value.at("error").as_object().erase("request_id");
  return boost::json::serialize(value);
}

TEST_F(RestTest, WrongPasswordAndUnknownEmailLookTheSame) {
  NewAccount("anna@example.com", {});
  const TestAnswer wrong = TryLogin("anna@example.com", "wrong password");
  const TestAnswer unknown = TryLogin("nobody@example.com", "wrong password");
  const TestAnswer odd = TryLogin("not an e-mail", "wrong password");
  EXPECT_EQ(wrong.status(), 401);
  EXPECT_EQ(unknown.status(), 401);
  EXPECT_EQ(WithoutRequestId(wrong), WithoutRequestId(unknown));
  EXPECT_EQ(WithoutRequestId(wrong), WithoutRequestId(odd));
  EXPECT_EQ(TryLogin("Anna@Example.com", kPassword).status(), 200) << "any case";
}

TEST_F(RestTest, LockoutIsTheSameForKnownAndUnknownAccounts) {
  NewAccount("anna@example.com", {});
  for (const char* email : {"anna@example.com", "nobody@example.com"}) {
    for (int i = 0; i < limits::kLoginFailuresPerAccountMax; ++i) {
      EXPECT_EQ(TryLogin(email, "wrong password").status(), 401) << email << i;
    }
    const TestAnswer locked = TryLogin(email, kPassword);
    EXPECT_EQ(locked.status(), 429) << email;
    EXPECT_EQ(locked.head.fields.Get("retry-after"), "900") << email;
  }
  const std::string admin = AdminToken();
  EXPECT_TRUE(Call("GET", "/users/anna@example.com", "", admin).Json().at("locked").as_bool());
  clock_.Advance(limits::kLockout);
  Login("anna@example.com");
}

TEST_F(RestTest, AdministratorUnlocks) {
  NewAccount("anna@example.com", {});
  for (int i = 0; i < limits::kLoginFailuresPerAccountMax; ++i) {
    TryLogin("anna@example.com", "wrong password");
  }
  const TestAnswer unlocked =
      Call("PATCH", "/users/anna@example.com", R"({"locked":false})", AdminToken());
  EXPECT_EQ(unlocked.status(), 200) << unlocked.body;
  EXPECT_FALSE(unlocked.Json().at("locked").as_bool());
  Login("anna@example.com");
}

TEST_F(RestTest, AddressIsLockedAfterManyFailuresOfAnyName) {
  for (int i = 0; i < limits::kLoginFailuresPerAddressMax; ++i) {
    EXPECT_EQ(TryLogin("x" + std::to_string(i) + "@example.com", "wrong").status(), 401);
  }
  EXPECT_EQ(TryLogin(kAdminEmail, kPassword).status(), 429);
}

TEST_F(RestTest, OneTimePasswordMustBeChangedFirst) {
  const TestAnswer created =
      Call("POST", "/users", R"({"email":"Anna@example.com"})", AdminToken());
  ASSERT_EQ(created.status(), 201) << created.body;
  EXPECT_EQ(created.Text("email"), "anna@example.com");
  const std::string initial = created.Text("initial_password");
  const TestAnswer login = TryLogin("anna@example.com", initial);
  EXPECT_TRUE(login.Json().at("password_change_required").as_bool());
  const std::string token = login.Text("token");
  EXPECT_EQ(Call("GET", "/auth/me", "", token).ErrorCode(), "password_change_required");

  const auto change = [&](const std::string& current, const std::string& replacement) {
    return Call("POST", "/auth/password",
                boost::json::serialize(boost::json::object{{"current_password", current},
                                                           {"new_password", replacement}}),
                token)
        .status();
  };
  EXPECT_EQ(change(initial, "short"), 400);
  EXPECT_EQ(change(initial, initial), 400);
  EXPECT_EQ(change("wrong", "another password"), 403);
  EXPECT_EQ(change(initial, "another password"), 204);
  EXPECT_EQ(Call("GET", "/auth/me", "", token).status(), 200);
  EXPECT_EQ(TryLogin("anna@example.com", initial).status(), 401);
  EXPECT_FALSE(TryLogin("anna@example.com", "another password")
                   .Json()
                   .as_object()
                   .contains("password_change_required"));
}

TEST_F(RestTest, ChangingThePasswordEndsTheOtherSessions) {
  NewAccount("anna@example.com", {});
  const std::string other = Login("anna@example.com");
  const std::string own = Login("anna@example.com");
  EXPECT_EQ(
      Call("POST", "/auth/password",
           R"({"current_password":"correct horse battery","new_password":"another one"})", own)
          .status(),
      204);
  EXPECT_EQ(Call("GET", "/auth/me", "", other).status(), 401);
  EXPECT_EQ(Call("GET", "/auth/me", "", own).status(), 200);
}

TEST_F(RestTest, RefreshRotatesAndAReusedTokenEndsTheSession) {
  NewAccount("anna@example.com", {});
  const TestAnswer login = TryLogin("anna@example.com", kPassword);
  const auto refresh = [&](const std::string& token) {
    return Call("POST", "/auth/refresh",
                boost::json::serialize(boost::json::object{{"refresh_token", token}}));
  };
  clock_.Advance(1min);
  const TestAnswer second = refresh(login.Text("refresh_token"));
  ASSERT_EQ(second.status(), 200) << second.body;
  EXPECT_NE(second.Text("refresh_token"), login.Text("refresh_token"));
  EXPECT_EQ(second.Text("refresh_expires_at"), login.Text("refresh_expires_at"));
  EXPECT_EQ(Call("GET", "/auth/me", "", second.Text("token")).status(), 200);

  EXPECT_EQ(refresh(login.Text("refresh_token")).status(), 401);
  EXPECT_EQ(refresh(second.Text("refresh_token")).status(), 401);
  EXPECT_EQ(Call("GET", "/auth/me", "", second.Text("token")).status(), 401);
  const auto denied = Audit({.verb = "refresh"});
  ASSERT_EQ(denied.size(), 1u);
  EXPECT_EQ(denied[0].user, "anna@example.com");
  EXPECT_EQ(denied[0].status, AuditStatus::kDenied);
  EXPECT_EQ(refresh("never seen").status(), 401);
}

TEST_F(RestTest, LogoutAndEndedSessionsAreRefusedAtOnce) {
  NewAccount("anna@example.com", {});
  NewAccount("bob@example.com", {});
  const std::string first = Login("anna@example.com");
  clock_.Advance(1s);
  const std::string second = Login("anna@example.com");
  const std::string bob = Login("bob@example.com");
  const auto sessions = Call("GET", "/auth/sessions", "", first).Json().at("sessions").as_array();
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_FALSE(sessions[0].at("current").as_bool()) << "newest first";
  const std::string id(sessions[0].at("id").as_string());
  EXPECT_EQ(Call("DELETE", "/auth/sessions/" + id, "", bob).status(), 404) << "not Bob's";
  EXPECT_EQ(Call("GET", "/auth/me", "", second).status(), 200);
  EXPECT_EQ(Call("DELETE", "/auth/sessions/" + id, "", first).status(), 204);
  EXPECT_EQ(Call("GET", "/auth/me", "", second).status(), 401);
  EXPECT_EQ(Call("POST", "/auth/logout", "", first).status(), 204);
  EXPECT_EQ(Call("GET", "/auth/me", "", first).status(), 401);
}

TEST_F(RestTest, DisabledUserIsOutAndToldSoOnlyWithThePassword) {
  NewAccount("anna@example.com", {});
  const std::string anna = Login("anna@example.com");
  const std::string admin = AdminToken();
  EXPECT_EQ(Call("PATCH", "/users/anna@example.com", R"({"disabled":true})", admin).status(), 200);
  EXPECT_EQ(Call("GET", "/auth/me", "", anna).status(), 401);
  EXPECT_EQ(TryLogin("anna@example.com", "wrong").status(), 401);
  EXPECT_EQ(TryLogin("anna@example.com", kPassword).status(), 403);
  EXPECT_EQ(Call("PATCH", "/users/anna@example.com", R"({"disabled":false})", admin).status(), 200);
  Login("anna@example.com");
}

TEST_F(RestTest, LastAdministratorStays) {
  const std::string admin = AdminToken();
  const std::string self = "/users/" + std::string(kAdminEmail);
  EXPECT_EQ(Call("DELETE", self, "", admin).status(), 409);
  EXPECT_EQ(Call("PATCH", self, R"({"disabled":true})", admin).status(), 409);
  EXPECT_EQ(Call("PUT", self + "/roles", R"({"roles":["viewer"]})", admin).status(), 409);
  EXPECT_EQ(Call("GET", "/auth/me", "", admin).status(), 200);
}

TEST_F(RestTest, UsersAreCreatedChangedAndDeleted) {
  const std::string admin = AdminToken();
  struct Case {
    std::string body;
    int status;
  };
  const Case cases[] = {
      {R"({"email":"a@example.com","password":"long enough",
           "roles":["viewer","developer","viewer"]})",
       201},
      {R"({"email":"A@example.com","password":"long enough"})", 409},
      {R"({"email":"b@example.com","password":"short"})", 400},
      {R"({"email":"b@example.com","roles":["nope"]})", 400},
      {R"({"email":"b@example.com","roles":"viewer"})", 400},
      {R"({"email":"no mail"})", 400},
      {R"({"email":"b\u001b@example.com"})", 400},
      {R"({"email":"b@example.com","admin":true})", 400},
      {R"({})", 400},
      {R"([])", 400},
      {R"({"email":)", 400},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(Call("POST", "/users", test.body, admin).status(), test.status) << test.body;
  }
  const auto users = Call("GET", "/users", "", admin).Json().at("users").as_array();
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0].at("email").as_string(), "a@example.com");
  EXPECT_EQ(boost::json::serialize(users[0].at("roles")), R"(["developer","viewer"])");
  EXPECT_FALSE(users[0].as_object().contains("password_hash"));

  EXPECT_EQ(Call("PATCH", "/users/a@example.com", R"({"locked":true})", admin).status(), 400);
  EXPECT_EQ(Call("PATCH", "/users/a@example.com", R"({})", admin).status(), 200);
  const std::string session = Login("a@example.com", "long enough");
  const TestAnswer reset =
      Call("PATCH", "/users/a@example.com", R"({"reset_password":true})", admin);
  EXPECT_EQ(Call("GET", "/auth/me", "", session).status(), 401);
  EXPECT_TRUE(TryLogin("a@example.com", reset.Text("initial_password"))
                  .Json()
                  .at("password_change_required")
                  .as_bool());
  const TestAnswer roles =
      Call("PUT", "/users/a@example.com/roles", R"({"roles":["admin"]})", admin);
  EXPECT_EQ(boost::json::serialize(roles.Json().at("roles")), R"(["admin"])");
  EXPECT_EQ(Call("DELETE", "/users/a@example.com", "", admin).status(), 204);
  EXPECT_EQ(Call("GET", "/users/a@example.com", "", admin).status(), 404);
}

}  // namespace
}  // namespace mk8s::central
