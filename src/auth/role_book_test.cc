// Roles together: which clusters they reach, what several add up to, the built-in ones, and what
// `kubectl auth can-i --list` is told.
#include "auth/role_asks_for_test.h"
#include "auth/role_matcher.h"

namespace mk8s::auth {
namespace {

using Names = std::vector<std::string>;

RoleBook Book(std::string_view yaml) {
  Result<RolesFile> file = ParseRolesFile(yaml);
  if (!file) {
    ADD_FAILURE() << file.error().message;
    return RoleBook({});
  }
  return RoleBook(file->roles);
}

constexpr std::string_view kRoles = R"(
roles:
  - name: zed
    clusters: [{name: "dev-*", namespaces: ["*"], verbs: [get], resources: [pods]}]
  - name: shop
    clusters: [{name: "*", namespaces: [shop], verbs: [get, list, exec], resources: [pods]}]
  - name: root
    admin: true
    clusters: [{name: "prod", namespaces: ["*"], verbs: ["*"], resources: ["*"]}]
  - name: desk
    admin: true
)";

TEST(RoleBook, GrantsByClusterAndByRolesHeld) {
  const RoleBook book = Book(kRoles);
  const struct {
    Names held;
    std::string_view cluster, asked;
    Names allowing;
  } rows[] = {
      {{"zed"}, "dev-1", "get pods a/b", {"zed"}},
      {{"zed"}, "dev", "get pods a/b", {}},
      {{"zed"}, "prod", "get pods a/b", {}},
      {{"shop", "zed"}, "dev-1", "get pods shop/b", {"shop", "zed"}},
      {{"zed", "shop"}, "dev-1", "get pods shop/b", {"shop", "zed"}},
      {{"shop", "zed"}, "dev-1", "get pods web/b", {"zed"}},
      {{"shop", "zed"}, "dev-1", "list pods shop/", {"shop"}},
      {{"shop", "shop"}, "dev-1", "list pods shop/", {"shop"}},
      {{"root"}, "prod", "create clusterroles.rbac.authorization.k8s.io", {"root"}},
      {{"root"}, "prod", "impersonate users /bob", {"root"}},
      {{"root"}, "dev-1", "get pods a/b", {}},
      // Administering mk8s is no access to clusters, and an unknown role is nothing.
      {{"desk"}, "prod", "get pods a/b", {}},
      {{"no-such-role"}, "prod", "get pods a/b", {}},
      {{""}, "prod", "get pods a/b", {}},
      {{}, "prod", "get pods a/b", {}},
  };
  for (const auto& row : rows) {
    const Decision decision = book.For(row.held, row.cluster)->Decide(Asked(row.asked));
    EXPECT_EQ(decision.roles, row.allowing) << row.cluster << " " << row.asked;
    EXPECT_EQ(decision.allowed, !row.allowing.empty()) << row.cluster << " " << row.asked;
  }
  const Decision nothing = book.For(Names{"desk"}, "prod")->Decide(Asked("get pods a/b"));
  EXPECT_EQ(nothing.reason, "none of your roles grants anything on this cluster");
}

TEST(RoleBook, KnowsWhoHasAnyGrantAndWhoAdministers) {
  const RoleBook book = Book(kRoles);
  EXPECT_FALSE(book.For(Names{"zed"}, "dev-1")->empty());
  EXPECT_TRUE(book.For(Names{"zed"}, "prod")->empty());
  EXPECT_TRUE(book.For(Names{"desk"}, "prod")->empty());
  EXPECT_TRUE(book.For(Names{"nobody"}, "prod")->empty());
  EXPECT_TRUE(book.IsAdmin(Names{"zed", "desk"}));
  EXPECT_FALSE(book.IsAdmin(Names{"zed", "shop", "nobody"}));
  EXPECT_FALSE(book.IsAdmin(Names{}));
  EXPECT_EQ(book.Find("shop")->name, "shop");
  EXPECT_EQ(book.Find("sho"), nullptr);
  EXPECT_EQ(book.Find(""), nullptr);
}

TEST(RoleBook, NamesTheRolesThatWouldAllow) {
  const RoleBook book = Book(kRoles);
  EXPECT_EQ(book.WhoMayAllow(Asked("get pods shop/a"), "dev-1"), (Names{"shop", "zed"}));
  EXPECT_EQ(book.WhoMayAllow(Asked("get pods shop/a"), "prod"), (Names{"root", "shop"}));
  EXPECT_EQ(book.WhoMayAllow(Asked("get pods/exec web/a"), "prod"), Names{"root"});
  EXPECT_EQ(book.WhoMayAllow(Asked("get pods/exec web/a"), "dev-1"), Names{});
  // A part of a list is not the list.
  EXPECT_EQ(book.WhoMayAllow(Asked("list pods"), "prod"), Names{"root"});
}

TEST(RoleBook, MatchersOutliveTheBook) {
  auto book = std::make_unique<RoleBook>(Book(kRoles));
  const std::shared_ptr<const RoleMatcher> matcher = book->For(Names{"zed"}, "dev-1");
  book.reset();
  EXPECT_TRUE(matcher->Decide(Asked("get pods a/b")).allowed);
}

TEST(RoleBook, GrantsThatDoNotParseGrantNothing) {
  Role role{.name = "r"};
  role.grants.push_back(
      {.cluster = "*", .namespaces = {"*"}, .verbs = {"get", "lst"}, .resources = {"pods"}});
  role.grants.push_back(
      {.cluster = "*", .namespaces = {"*"}, .verbs = {"get"}, .resources = {"a/b/c/d"}});
  role.grants.push_back(
      {.cluster = "*", .namespaces = {"*"}, .verbs = {"get"}, .resources = {"services"}});
  EXPECT_FALSE(Decided(role, "get pods web/a").allowed);
  EXPECT_TRUE(Decided(role, "get services web/a").allowed);
  // Empty lists grant nothing.
  EXPECT_FALSE(
      Decided({.name = "r", .grants = {{.cluster = "*", .verbs = {"*"}, .resources = {"*"}}}},
              "get pods web/a")
          .allowed);
}

TEST(BuiltInRoles, ReachWhatTheyShould) {
  const RoleBook book(BuiltInRoles());
  const struct {
    std::string_view role, cluster, asked;
    bool allowed;
  } rows[] = {
      {"admin", "prod", "delete namespaces web/web", true},
      {"admin", "prod", "create clusterrolebindings.rbac.authorization.k8s.io", true},
      {"admin", "prod", "impersonate users /bob", true},
      {"admin", "prod", "get nodes/proxy /n", true},
      {"admin", "prod", "get /metrics", true},
      {"admin", "prod", "deletecollection pods", true},
      {"developer", "dev-1", "get pods web/a", true},
      {"developer", "dev-1", "list pods", true},
      {"developer", "dev-1", "watch deployments.apps web/", true},
      {"developer", "dev-1", "get pods/log web/a", true},
      {"developer", "dev-1", "get pods/exec web/a", true},
      {"developer", "dev-1", "create pods/attach web/a", true},
      {"developer", "dev-1", "get pods/portforward web/a", false},
      {"developer", "dev-1", "create pods web/", false},
      {"developer", "dev-1", "get secrets web/a", false},
      {"developer", "prod", "get pods web/a", false},
      {"viewer", "prod", "get pods web/a", true},
      {"viewer", "prod", "list nodes", true},
      {"viewer", "prod", "watch widgets.example.com", true},
      {"viewer", "prod", "get secrets web/a", false},
      {"viewer", "prod", "list secrets", false},
      {"viewer", "prod", "get pods/log web/a", false},
      {"viewer", "prod", "get pods/exec web/a", false},
      {"viewer", "prod", "get pods/attach web/a", false},
      {"viewer", "prod", "get nodes/proxy /n", false},
      {"viewer", "prod", "get services/proxy web/a", false},
      {"viewer", "prod", "patch pods web/a", false},
      {"viewer", "prod", "get /metrics", false},
      {"viewer", "prod", "create serviceaccounts/token web/a", false},
  };
  for (const auto& row : rows) {
    const Names held = {std::string(row.role)};
    EXPECT_EQ(book.For(held, row.cluster)->Decide(Asked(row.asked)).allowed, row.allowed)
        << row.role << ": " << row.asked;
  }
  EXPECT_TRUE(book.IsAdmin(Names{"admin"}));
  EXPECT_FALSE(book.IsAdmin(Names{"developer", "viewer"}));
  for (const Role& role : BuiltInRoles()) {
    EXPECT_TRUE(ValidateRole(role)) << role.name;
    EXPECT_TRUE(role.built_in) << role.name;
  }
}

// One rule as "verbs group/resources names | paths".
std::string Line(const RoleMatcher::Rule& rule) {
  std::string out;
  const auto add = [&out](const Names& words, const char* before) {
    if (words.empty()) return;
    out += before;
    for (const std::string& word : words) out += (&word == &words[0] ? "" : ",") + word;
  };
  add(rule.verbs, "");
  add(rule.api_groups, " ");
  add(rule.resources, "/");
  add(rule.names, " names ");
  add(rule.paths, " path ");
  return out;
}

TEST(RulesIn, AreInKubernetesOwnTerms) {
  const RoleBook book = Book(R"(
roles:
  - name: r
    clusters:
      - name: "*"
        namespaces: [web]
        verbs: [get, logs, exec, debug]
        resources: [pods, deployments]
        names: [a]
      - {name: "*", namespaces: ["*"], verbs: [list], resources: ["*", /metrics, pods/status]}
      - {name: "*", namespaces: ["*"], except_namespaces: [web], verbs: ["*"], resources: ["*"]}
)");
  const auto lines = [&](std::string_view namespace_) {
    Names out;
    for (const auto& rule : book.For(Names{"r"}, "c")->RulesIn(namespace_)) {
      out.push_back(Line(rule));
    }
    return out;
  };
  EXPECT_EQ(lines("web"), (Names{"get /pods names a", "get /pods/log names a",
                                 "create /pods/exec names a", "create /pods/attach names a",
                                 "get,patch,update /pods/ephemeralcontainers names a",
                                 "get apps/deployments names a", "list,watch */*",
                                 "list,watch path /metrics", "list,watch /pods/status"}));
  EXPECT_EQ(lines("shop"), (Names{"list,watch */*", "list,watch path /metrics",
                                  "list,watch /pods/status", "* */*"}));
}

}  // namespace
}  // namespace mk8s::auth
