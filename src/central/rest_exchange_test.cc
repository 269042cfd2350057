// The exchange itself, clusters, roles and the audit log through REST.
#include "central/rest_exchange.h"

#include "central/rest_test.h"

namespace mk8s::central {
namespace {

TEST_F(RestTest, BodiesAreBounded) {
  const std::string deep = R"({"email":)" + std::string(100'000, '[') + "}";
  EXPECT_EQ(Call("POST", "/auth/login", deep).status(), 400);
  EXPECT_EQ(Call("POST", "/roles", deep, AdminToken()).status(), 400);
  const std::string huge(limits::kRestBodyBytesMax + 1, ' ');
  EXPECT_EQ(Call("POST", "/auth/login", huge).status(), 413);
  EXPECT_EQ(Call("POST", "/users", huge).status(), 401) << "nobody's body is read";
}

TEST_F(RestTest, AnswersAsHttpAsksFor) {
  const TestAnswer unauthorized = Call("GET", "/auth/me");
  EXPECT_EQ(unauthorized.head.fields.Get("www-authenticate"), "Bearer");
  EXPECT_EQ(unauthorized.head.fields.Get("content-type"), "application/json");
  EXPECT_EQ(unauthorized.Json().at("error").at("request_id").as_string(),
            unauthorized.head.fields.Get("x-request-id"));
  const TestAnswer wrong = Call("PUT", "/clusters");
  EXPECT_EQ(wrong.status(), 405);
  EXPECT_EQ(wrong.head.fields.Get("allow"), "GET, POST");
  EXPECT_EQ(Call("GET", "/nothing").status(), 404);
  const TestAnswer head = Call("HEAD", "/version");
  EXPECT_EQ(head.status(), 200);
  EXPECT_TRUE(head.body.empty());
  EXPECT_NE(head.head.fields.Get("content-length"), "0");
  EXPECT_EQ(Call("GET", "/version").Text("version"), MK8S_VERSION);
  EXPECT_EQ(Call("GET", "/.well-known/jwks.json").Json().at("keys").as_array().size(), 1u);
  EXPECT_EQ(Call("GET", "/auth/me?access_token=" + AdminToken()).status(), 401)
      << "a token in the address is no token";
}

TEST_F(RestTest, ForeignOriginIsRefused) {
  const std::string admin = AdminToken();
  const auto create = [&](std::string_view origin, const std::string& name) {
    return Call("POST", "/clusters", R"({"name":")" + name + "\"}", admin,
                {{"origin", std::string(origin)}})
        .status();
  };
  EXPECT_EQ(create("https://evil.test", "one"), 403);
  EXPECT_EQ(create("null", "one"), 403);
  EXPECT_EQ(create("https://mk8s.test.evil.test", "one"), 403);
  EXPECT_EQ(create("https://mk8s.test", "one"), 201);
  EXPECT_EQ(Call("GET", "/clusters", "", admin, {{"origin", "https://evil.test"}}).status(), 200);
}

TEST_F(RestTest, ClustersAreShownToWhoHasAGrant) {
  const std::string admin = AdminToken();
  struct Case {
    const char* name;
    int status;
  };
  for (const Case& test : {Case{"dev-eu", 201}, Case{"prod-1", 201}, Case{"dev-eu", 409},
                           Case{"", 400}, Case{"Prod", 400}, Case{"-a", 400}, Case{"a.b", 400},
                           Case{"0f0e8e0c-7b0a-4c5e-9b60-0123456789ab", 400}}) {
    EXPECT_EQ(
        Call("POST", "/clusters", R"({"name":")" + std::string(test.name) + "\"}", admin).status(),
        test.status)
        << test.name;
  }
  ASSERT_EQ(Call("POST", "/roles",
                 R"({"name":"dev-only","clusters":[{"name":"dev-*","namespaces":["*"],)"
                 R"("verbs":["get"],"resources":["pods"]}]})",
                 admin)
                .status(),
            201);
  NewAccount("dev@example.com", {"dev-only"});
  const auto shown =
      Call("GET", "/clusters", "", Login("dev@example.com")).Json().at("clusters").as_array();
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].at("name").as_string(), "dev-eu");
  EXPECT_EQ(shown[0].at("status").as_string(), "pending");
  EXPECT_EQ(Call("GET", "/clusters", "", admin).Json().at("clusters").as_array().size(), 2u);

  const std::string old_hash = snapshots_->Current()->FindCluster("dev-eu")->agent_token_hash;
  const TestAnswer rotated = Call("POST", "/clusters/dev-eu/token", "", admin);
  ASSERT_EQ(rotated.status(), 200);
  const Cluster cluster = *snapshots_->Current()->FindCluster("dev-eu");
  EXPECT_EQ(cluster.agent_token_hash, TokenHash(rotated.Text("agent_token")));
  EXPECT_NE(cluster.agent_token_hash, old_hash);
  EXPECT_EQ(cluster.token_generation, 1);
  EXPECT_EQ(Call("DELETE", "/clusters/" + cluster.id, "", admin).status(), 204);
  EXPECT_EQ(Call("DELETE", "/clusters/dev-eu", "", admin).status(), 404);
}

TEST_F(RestTest, RolesAreInForceWhenTheAnswerComes) {
  const std::string admin = AdminToken();
  const std::string role = R"({"name":"boss","admin":true,"clusters":[]})";
  EXPECT_EQ(Call("PUT", "/roles/boss", role, admin).status(), 200);
  EXPECT_EQ(Call("PUT", "/roles/other", role, admin).status(), 400);
  EXPECT_EQ(Call("POST", "/roles", role, admin).status(), 409);
  EXPECT_EQ(Call("PUT", "/roles/admin", R"({"name":"admin","clusters":[]})", admin).status(), 409);
  EXPECT_EQ(
      Call("POST", "/roles", R"({"name":"x","clusters":[{"name":"*","verbs":["lst"]}]})", admin)
          .status(),
      400);
  NewAccount("boss@example.com", {"boss"});
  const std::string boss = Login("boss@example.com");
  EXPECT_EQ(Call("GET", "/roles/boss", "", boss).status(), 200);
  EXPECT_EQ(Call("DELETE", "/roles/boss", "", admin).status(), 204);
  EXPECT_EQ(Call("GET", "/roles", "", boss).status(), 403);
  EXPECT_EQ(Call("GET", "/roles", "", admin).Json().at("roles").as_array().size(), 3u);
}

TEST_F(RestTest, EveryChangeAndLoginIsAudited) {
  TryLogin("anna@example.com", "a secret typed here");
  TryLogin("my-secret-password", "x");
  const std::string admin = AdminToken();
  Call("POST", "/clusters", R"({"name":"dev"})", admin);
  Call("POST", "/clusters", R"({"name":"dev"})", admin);
  const auto events = Audit();
  ASSERT_EQ(events.size(), 5u);
  std::map<std::string, int> seen;
  for (const AuditEvent& event : events) {
    ++seen[event.verb + " " + std::string(Name(event.status)) + " " + event.user + " " +
           event.cluster];
    EXPECT_EQ(event.source_ip, "192.0.2.1");
    EXPECT_EQ((event.command + event.reason + event.name + event.user).find("secret"),
              std::string::npos);
    EXPECT_NE(event.http_status, 0);
  }
  const std::map<std::string, int> expected = {
      {"login denied anna@example.com ", 1},      {"login denied  ", 1},
      {"login allowed admin@example.com ", 1},    {"create allowed admin@example.com dev", 1},
      {"create failed admin@example.com dev", 1},
  };
  EXPECT_EQ(seen, expected);

  const auto list = [&](const std::string& query) {
    return Call("GET", "/audit?" + query, "", admin);
  };
  EXPECT_EQ(list("verb=create&status=failed").Json().at("events").as_array().size(), 1u);
  EXPECT_EQ(list("since=15m").Json().at("events").as_array().size(), 6u) << "with the flush";
  const TestAnswer page = list("limit=2");
  EXPECT_EQ(page.Json().at("events").as_array().size(), 2u);
  EXPECT_EQ(list("limit=2&cursor=" + page.Text("next_cursor")).status(), 200);
  for (const char* bad :
       {"limit=0", "limit=1001", "limit=x", "since=yesterday", "status=odd", "cursor=1"}) {
    EXPECT_EQ(list(bad).status(), 400) << bad;
  }
}

TEST_F(RestTest, UnwritableAuditStopsChangesButNotLogins) {
  const std::string admin = AdminToken();
  audit_store_.Break(true);
  EXPECT_GE(Call("POST", "/clusters", R"({"name":"dev"})", admin).status(), 500);
  EXPECT_EQ(Call("GET", "/clusters", "", admin).Json().at("clusters").as_array().size(), 0u);
  Login(kAdminEmail);
  audit_store_.Break(false);
}

}  // namespace
}  // namespace mk8s::central
