// Every route has a row in the authorization table and a description in api/openapi.yaml.
#include "central/rest_route.h"

#include <map>
#include <set>

#include "base/text.h"
#include "central/openapi.h"
#include "central/rest_test.h"

namespace mk8s::central {
namespace {

// What each route must require, written down a second time on purpose.
const std::map<std::string, Right> kAuthorization = {
    {"POST /auth/login", Right::kNobody},
    {"POST /auth/refresh", Right::kNobody},
    {"POST /auth/logout", Right::kAnySession},
    {"POST /auth/password", Right::kAnySession},
    {"GET /auth/me", Right::kSession},
    {"GET /auth/sessions", Right::kSession},
    {"DELETE /auth/sessions/{id}", Right::kSession},
    {"GET /clusters", Right::kSession},
    {"POST /clusters", Right::kAdmin},
    {"DELETE /clusters/{id}", Right::kAdmin},
    {"POST /clusters/{id}/token", Right::kAdmin},
    {"GET /users", Right::kAdmin},
    {"POST /users", Right::kAdmin},
    {"GET /users/{id}", Right::kAdmin},
    {"PATCH /users/{id}", Right::kAdmin},
    {"DELETE /users/{id}", Right::kAdmin},
    {"PUT /users/{id}/roles", Right::kAdmin},
    {"GET /roles", Right::kAdmin},
    {"POST /roles", Right::kAdmin},
    {"GET /roles/{name}", Right::kAdmin},
    {"PUT /roles/{name}", Right::kAdmin},
    {"DELETE /roles/{name}", Right::kAdmin},
    {"GET /audit", Right::kAdmin},
    {"GET /.well-known/jwks.json", Right::kNobody},
    {"GET /version", Right::kNobody},
    {"GET /openapi.json", Right::kNobody},
};

std::string NameOf(const Route& route) {
  return std::string(route.method) + " " + std::string(route.pattern);
}

TEST(RestRoutesTest, EveryRouteHasARowAndEveryRowARoute) {
  std::map<std::string, Right> routes;
  for (const Route& route : Routes()) {
    EXPECT_TRUE(routes.emplace(NameOf(route), route.right).second) << NameOf(route) << " twice";
    if (route.method != "GET" && route.method != "HEAD") {
      EXPECT_TRUE(route.audited != Audited::kNo || route.verb == "refresh")
          << NameOf(route) << " changes something without an audit event";
    }
    if (route.right == Right::kAdmin && route.method != "GET") {
      EXPECT_EQ(route.audited, Audited::kBefore) << NameOf(route);
    }
  }
  EXPECT_EQ(routes, kAuthorization);
}

TEST(RestRoutesTest, OpenApiDescribesExactlyTheRoutes) {
  const boost::json::value description = boost::json::parse(OpenApiJson());
  std::map<std::string, bool> described;  // -> open to everyone
  for (const auto& path : description.at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      std::string method(operation.key());
      if (method == "parameters") continue;
      for (char& letter : method) letter = static_cast<char>(std::toupper(letter));
      described[method + " " + std::string(path.key())] =
          operation.value().as_object().contains("security");
    }
  }
  // Exec is described beside them; central/exec_gateway.h serves it.
  std::map<std::string, bool> routes = {{"POST /clusters/{id}/exec", false}};
  for (const Route& route : Routes()) routes[NameOf(route)] = route.right == Right::kNobody;
  EXPECT_EQ(described, routes);
  EXPECT_EQ(description.at("info").at("version").as_string(), MK8S_VERSION);
}

TEST(RestRoutesTest, MatchesWholePathsOnly) {
  struct Case {
    std::string_view method, target;
    std::string found;  // the route, or the error's code
  };
  const Case cases[] = {
      {"GET", "/users", "GET /users"},
      {"HEAD", "/users", "GET /users"},
      {"GET", "/users?limit=5", "GET /users"},
      {"GET", "/users/a%40b", "GET /users/{id}"},
      {"GET", "/users/a%2Fb", "GET /users/{id}"},
      {"GET", "/users/", "not_found"},
      {"GET", "//users", "not_found"},
      {"GET", "/Users", "not_found"},
      {"GET", "/users/a/roles/", "not_found"},
      {"GET", "/", "not_found"},
      {"GET", "/users/a/roles", "method_not_allowed"},
      {"TRACE", "/users", "method_not_allowed"},
      {"GET", "users", "invalid_argument"},
      {"GET", "*", "invalid_argument"},
      {"GET", "/users/%00", "invalid_argument"},
      {"GET", "/users/%", "invalid_argument"},
      {"GET", "/users/%zz", "invalid_argument"},
      {"GET", "/users/%ff", "invalid_argument"},
      {"GET", "/users?a=%", "invalid_argument"},
      {"GET", "http://other/users", "invalid_argument"},
  };
  for (const Case& test : cases) {
    const auto match = MatchRoute(test.method, test.target);
    const auto* none = std::get_if<NoRoute>(&match);
    EXPECT_EQ(
        none ? std::string(Name(none->error.code)) : NameOf(*std::get<RouteMatch>(match).route),
        test.found)
        << test.method << " " << test.target;
  }
  const auto match = std::get<RouteMatch>(MatchRoute("GET", "/users/a%40b?x=1+2&y=%2B&z"));
  EXPECT_EQ(match.parameters, std::vector<std::string>{"a@b"});
  const std::vector<std::pair<std::string, std::string>> query = {
      {"x", "1 2"}, {"y", "+"}, {"z", ""}};
  EXPECT_EQ(match.query, query);
  EXPECT_EQ(std::get<NoRoute>(MatchRoute("PUT", "/users")).allow, "GET, POST");
}

std::string Concrete(std::string_view pattern) {
  std::string target;
  for (const std::string_view segment : Split(pattern.substr(1), '/')) {
    target += segment.starts_with('{') ? "/nothing" : "/" + std::string(segment);
  }
  return target;
}

TEST_F(RestTest, EachRouteRefusesWhoLacksItsRight) {
  const std::string admin = AdminToken();
  NewAccount("dev@example.com", {"developer"});
  const std::string dev = Login("dev@example.com");
  auto fresh =
      CreateAccount(*store_, {"new@example.com", std::nullopt, {"admin"}}, 4, clock_.Now());
  ASSERT_TRUE(fresh);
  const std::string unchanged = Login("new@example.com", fresh->initial_password.Reveal());
  for (const Route& route : Routes()) {
    if (route.right == Right::kNobody) continue;
    const std::string target = Concrete(route.pattern);
    const std::string method(route.method);
    EXPECT_EQ(Call(method, target, "{}").status(), 401) << NameOf(route);
    EXPECT_EQ(Call(method, target, "{}", "rubbish").status(), 401) << NameOf(route);
    if (route.right != Right::kAnySession) {
      const TestAnswer answer = Call(method, target, "{}", unchanged);
      EXPECT_EQ(answer.status(), 403) << NameOf(route);
      EXPECT_EQ(answer.ErrorCode(), "password_change_required") << NameOf(route);
    }
    if (route.right == Right::kAdmin) {
      const TestAnswer answer = Call(method, target, "{}", dev);
      EXPECT_EQ(answer.status(), 403) << NameOf(route);
      EXPECT_EQ(answer.ErrorCode(), "permission_denied") << NameOf(route);
      if (route.audited != Audited::kNo) {
        const AuditEvent event = Audit()[0];
        EXPECT_EQ(event.status, AuditStatus::kDenied) << NameOf(route);
        EXPECT_EQ(event.user, "dev@example.com") << NameOf(route);
        EXPECT_EQ(event.verb, route.verb) << NameOf(route);
      }
      const int status = Call(method, target, "{}", admin).status();
      EXPECT_TRUE(status != 401 && status != 403 && status < 500) << NameOf(route) << status;
    }
  }
}

}  // namespace
}  // namespace mk8s::central
