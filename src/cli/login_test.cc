// Logging in and out, and what status says of it.
#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kSession =
    R"({"token":"token-1","expires_at":"2026-11-25T10:00:00Z",
        "refresh_token":"refresh-1","refresh_expires_at":"2026-12-24T10:00:00Z"})";
constexpr const char* kOneTimeSession =
    R"({"token":"token-1","expires_at":"2026-11-25T10:00:00Z","refresh_token":"refresh-1",
        "refresh_expires_at":"2026-12-24T10:00:00Z","password_change_required":true})";
constexpr const char* kMe =
    R"({"id":"u1","email":"dev@example.com","roles":["developer","viewer"],
        "session_expires_at":"2026-12-24T10:00:00Z"})";

class LoginTest : public CliTest {
 protected:
  LoginTest() {
    central.Answer("GET /version", 200, R"({"version":")" MK8S_VERSION R"("})");
    central.Answer("GET /auth/me", 200, kMe);
    central.Answer("GET /clusters", 200,
                   R"({"clusters":[{"id":"1","name":"prod","status":"connected",
                       "last_seen":"2026-11-24T09:59:56Z",
                       "metadata":{"kubernetes_version":"v1.36.3","node_count":3}}]})");
  }
};

TEST_F(LoginTest, AsksAndRemembers) {
  terminal = {true, true, true};
  environment.Set("NO_COLOR", "1");
  central.Answer("POST /auth/login", 200, kSession);
  prompt.answers = {"dev@example.com", "hunter22"};
  EXPECT_EQ(Run({"login", "mk8s.example.com"}), 0) << Messages();
  EXPECT_EQ(central.exchanges().at(1).body, R"({"email":"dev@example.com","password":"hunter22"})");
  EXPECT_EQ(Output(), "");
  ExpectGolden("login.txt", Messages());
  EXPECT_EQ(*ReadFile(HomeFolder() / "config.yaml"),
            "central_url: https://mk8s.example.com\ncurrent_cluster: prod\n");
  EXPECT_EQ(Run({"status"}), 0);
  ExpectGolden("status.txt", Output());
  EXPECT_EQ(Run({"status", "-o", "json"}), 0);
  ExpectGolden("status.json", Output());
}

TEST_F(LoginTest, WithoutATerminalNeverAsks) {
  EXPECT_EQ(Run({"login"}), 2);
  EXPECT_THAT(Messages(), HasSubstr("MK8S_CENTRAL_URL"));
  EXPECT_EQ(Run({"login", "mk8s.example.com"}), 2);
  EXPECT_THAT(Messages(), HasSubstr("--email"));
  EXPECT_EQ(Run({"login", "mk8s.example.com", "--email", "a@b"}), 2);
  EXPECT_THAT(Messages(), HasSubstr("--password-stdin"));
  EXPECT_TRUE(prompt.questions.empty());
}

TEST_F(LoginTest, PasswordFromStandardInput) {
  central.Answer("POST /auth/login", 200, kSession);
  input = "hunter22\r\n";
  EXPECT_EQ(Run({"login", "mk8s.example.com", "--email", "Dev@Example.com", "--password-stdin"}), 0)
      << Messages();
  EXPECT_EQ(central.exchanges().at(1).body, R"({"email":"dev@example.com","password":"hunter22"})");
}

TEST_F(LoginTest, OneTimePasswordIsReplaced) {
  central.Answer("POST /auth/login", 200, kOneTimeSession);
  central.Answer("POST /auth/password", 204, "");
  input = "once\n";
  const std::vector<std::string> words = {"login", "mk8s.example.com", "--email", "a@b",
                                          "--password-stdin"};
  EXPECT_EQ(Run(words), 2);
  EXPECT_THAT(Messages(), HasSubstr("second line of --password-stdin"));
  EXPECT_FALSE(std::filesystem::exists(HomeFolder() / "credentials.json"));
  input = "once\nmy own words\n";
  EXPECT_EQ(Run(words), 0) << Messages();
  const auto changed =
      std::find_if(central.exchanges().begin(), central.exchanges().end(),
                   [](const FakeCentral::Exchange& e) { return e.line == "POST /auth/password"; });
  ASSERT_NE(changed, central.exchanges().end());
  EXPECT_EQ(changed->authorization, "Bearer token-1");
  EXPECT_EQ(changed->body, R"({"current_password":"once","new_password":"my own words"})");
}

TEST_F(LoginTest, NewPasswordIsAskedForTwice) {
  terminal = {true, true, true};
  central.Answer("POST /auth/login", 200, kOneTimeSession);
  central.Answer("POST /auth/password", 204, "");
  prompt.answers = {"a@b",       "once",        "short",      "long enough",
                    "different", "long enough", "long enough"};
  EXPECT_EQ(Run({"login", "mk8s.example.com"}), 0) << Messages();
  EXPECT_THAT(Messages(), HasSubstr("at least 8 characters"));
  EXPECT_THAT(Messages(), HasSubstr("not the same"));
}

TEST_F(LoginTest, UntrustedCertificateShowsTheFingerprint) {
  central.Fail(MakeError(ErrorCode::kFailedPrecondition, "certificate verify failed"));
  input = "hunter22\n";
  EXPECT_EQ(Run({"login", "mk8s.example.com", "--email", "a@b", "--password-stdin"}), 1);
  ExpectGolden("login_untrusted.txt", Messages());
  EXPECT_EQ(central.Lines(), std::vector<std::string>{"GET /version"}) << "nothing secret was sent";
}

TEST_F(LoginTest, CaFileIsKept) {
  const std::filesystem::path file = folder.path() / "ca.crt";
  central.Answer("POST /auth/login", 200, kSession);
  input = "hunter22\n";
  std::ofstream(file) << "no certificate";
  const std::vector<std::string> words = {"login",      "mk8s.example.com", "--email",
                                          "a@b",        "--password-stdin", "--ca-file",
                                          file.string()};
  EXPECT_EQ(Run(words), 2);
  EXPECT_THAT(Messages(), HasSubstr("holds no PEM certificate"));
  std::ofstream(file) << "-----BEGIN CERTIFICATE-----\n";
  EXPECT_EQ(Run(words), 0) << Messages();
  std::filesystem::remove(file);
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_EQ(endpoints.back().ca_file, (HomeFolder() / "ca" / "mk8s.example.com.crt").string());
  EXPECT_TRUE(std::filesystem::exists(endpoints.back().ca_file));
}

TEST_F(LoginTest, WrongPassword) {
  central.Answer("POST /auth/login", 401,
                 R"({"error":{"code":"unauthenticated","message":"wrong e-mail or password",
                     "request_id":"0193"}})");
  input = "x\n";
  EXPECT_EQ(Run({"login", "mk8s.example.com", "--email", "a@b", "--password-stdin"}), 4);
  EXPECT_EQ(Messages(), "error: wrong e-mail or password\n  request id: 0193\n");
}

TEST_F(LoginTest, StatusWithoutASession) {
  EXPECT_EQ(Run({"status"}), 4);
  EXPECT_EQ(Messages(), "error: you are not logged in to any server\n  next: mk8s login SERVER\n");
  EXPECT_EQ(Run({"status", "-o", "json"}), 4);
  EXPECT_THAT(Output(), HasSubstr("\"valid\": false"));
  LogIn();
  central = FakeCentral();
  central.Answer("GET /auth/me", 401, R"({"error":{"code":"unauthenticated","message":"ended"}})");
  central.Answer("POST /auth/refresh", 401, R"({"error":{"code":"unauthenticated","message":""}})");
  EXPECT_EQ(Run({"status"}), 4);
  EXPECT_EQ(Output(), "Server   https://mk8s.example.com\nSession  not valid\n");
  EXPECT_THAT(Messages(), HasSubstr("next: mk8s login https://mk8s.example.com"));
}

TEST_F(LoginTest, LogoutForgetsEvenWhenCentralIsAway) {
  LogIn();
  central.Fail(MakeError(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_EQ(Run({"logout"}), 0);
  EXPECT_THAT(Messages(), HasSubstr("central could not be told"));
  EXPECT_EQ(Run({"logout"}), 0);
  EXPECT_EQ(Messages(), "You are not logged in to https://mk8s.example.com.\n");
  EXPECT_EQ(Run({"clusters", "list"}), 4);
}

TEST_F(LoginTest, WarnsOfAnotherMinorVersionOnceADay) {
  LogIn();
  central = FakeCentral();
  central.Answer("GET /version", 200, R"({"version":"9.9.0"})");
  central.Answer("GET /clusters", 200, R"({"clusters":[]})");
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Messages(), testing::Not(HasSubstr("9.9.0"))) << "checked a moment ago";
  std::filesystem::last_write_time(
      HomeFolder() / "version-check",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Messages(), HasSubstr("runs 9.9.0"));
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Messages(), testing::Not(HasSubstr("9.9.0")));
}

}  // namespace
}  // namespace mk8s::cli
