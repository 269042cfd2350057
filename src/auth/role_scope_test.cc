// Where grants reach: namespaces, objects without one, names, and lists of which only a part is
// granted.
#include "auth/role_asks_for_test.h"
#include "auth/role_matcher.h"

namespace mk8s::auth {
namespace {

TEST(RoleScope, Namespaces) {
  ExpectOutcomes({
      {"namespaces: [web], verbs: [get], resources: [pods]", "get pods web/a", kAllowed},
      {"namespaces: [web], verbs: [get], resources: [pods]", "get pods shop/a", kDenied},
      {"namespaces: [\"web-*\"], verbs: [get], resources: [pods]", "get pods web-1/a", kAllowed},
      {"namespaces: [\"web-*\"], verbs: [get], resources: [pods]", "get pods web/a", kDenied},
      {"namespaces: [web, shop], verbs: [list], resources: [pods]", "list pods shop/", kAllowed},
      {"namespaces: [web], verbs: [list], resources: [pods]", "list pods shop/", kDenied},
      {"namespaces: [\"*\"], verbs: [get], resources: [pods], except_namespaces: [kube-system]",
       "get pods kube-system/a", kDenied},
      {"namespaces: [\"*\"], verbs: [get], resources: [pods], except_namespaces: [\"kube-*\"]",
       "get pods kube-public/a", kDenied},
      {"namespaces: [\"*\"], verbs: [get], resources: [pods], except_namespaces: [kube-system]",
       "get pods web/a", kAllowed},
      {"namespaces: [web], verbs: [get], resources: [pods], except_namespaces: [web]",
       "get pods web/a", kDenied},
      {"namespaces: [web], verbs: [exec], resources: [pods]", "get pods/exec shop/a", kDenied},
      {"namespaces: [web], verbs: [deletecollection], resources: [pods]",
       "deletecollection pods web/", kAllowed},
  });
}

TEST(RoleScope, ObjectsWithoutANamespace) {
  ExpectOutcomes({
      {"namespaces: [\"*\"], verbs: [get], resources: [nodes]", "get nodes /n", kAllowed},
      {"namespaces: [web, \"*\"], verbs: [get], resources: [nodes]", "get nodes /n", kAllowed},
      {"namespaces: [web], verbs: [get], resources: [nodes]", "get nodes /n", kDenied},
      {"namespaces: [\"?*\"], verbs: [get], resources: [nodes]", "get nodes /n", kDenied},
      {"namespaces: [web], verbs: [list], resources: [nodes]", "list nodes", kDenied},
      {"namespaces: [web], verbs: [watch], resources: [nodes]", "watch nodes", kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "get widgets.example.com /a",
       kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "create pods", kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]",
       "deletecollection widgets.example.com", kDenied},
      {"namespaces: [\"*\"], verbs: [list], resources: [nodes], except_namespaces: [kube-system]",
       "list nodes", kAllowed},
      {"namespaces: [\"*\"], verbs: [get], resources: [nodes], except_namespaces: [kube-system]",
       "get nodes /kube-system", kAllowed},
      {"verbs: [deletecollection], resources: [nodes]", "deletecollection nodes", kAllowed},
  });
}

TEST(RoleScope, NamespaceObjects) {
  ExpectOutcomes({
      // Whoever may work in a namespace may see it; the request's own namespace is its name.
      {"namespaces: [web], verbs: [get], resources: [namespaces]", "get namespaces web/web",
       kAllowed},
      {"namespaces: [web], verbs: [get], resources: [namespaces]", "get namespaces shop/shop",
       kDenied},
      {"namespaces: [web], verbs: [list], resources: [namespaces]", "list namespaces", kPart},
      {"namespaces: [web], verbs: [list], resources: [namespaces]", "watch namespaces", kPart},
      {"namespaces: [web], verbs: [get], resources: [pods]", "get namespaces web/web", kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "delete namespaces web/web",
       kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "patch namespaces web/web",
       kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]",
       "update namespaces/finalize web/web", kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "create namespaces", kDenied},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "deletecollection namespaces",
       kDenied},
      {"verbs: [\"*\"], resources: [\"*\"]", "delete namespaces web/web", kAllowed},
      {"verbs: [list], resources: [\"*\"]", "list namespaces", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"], except_namespaces: [prod]", "list namespaces", kPart},
      {"verbs: [\"*\"], resources: [\"*\"], except_namespaces: [prod]", "get namespaces prod/prod",
       kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_namespaces: [prod]",
       "delete namespaces prod/prod", kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_namespaces: [prod]",
       "deletecollection namespaces", kDenied},
      // Another group's cluster-scoped "namespaces" is in no namespace, whatever its path says.
      {"namespaces: [a], verbs: [\"*\"], resources: [namespaces.example.com]",
       "get namespaces.example.com a/a", kDenied},
      {"namespaces: [a], verbs: [\"*\"], resources: [namespaces.example.com]",
       "update namespaces.example.com/status a/a", kDenied},
      {"verbs: [\"*\"], resources: [namespaces.example.com]", "get namespaces.example.com a/a",
       kAllowed},
      {"namespaces: [a], verbs: [\"*\"], resources: [namespaces.example.com]",
       "get namespaces.example.com a/b", kAllowed},
  });
}

TEST(RoleScope, Names) {
  ExpectOutcomes({
      {"verbs: [get], resources: [pods], names: [\"web-*\"]", "get pods x/web-1", kAllowed},
      {"verbs: [get], resources: [pods], names: [\"web-*\"]", "get pods x/db-1", kDenied},
      {"verbs: [exec], resources: [pods], names: [\"web-*\"]", "get pods/exec x/db-1", kDenied},
      // A create's name is in its body, and a collection has none.
      {"verbs: [create], resources: [pods], names: [\"*\"]", "create pods x/", kDenied},
      {"verbs: [deletecollection], resources: [pods], names: [\"web-*\"]",
       "deletecollection pods x/", kDenied},
      {"verbs: [list], resources: [pods], names: [\"web-*\"]", "list pods x/", kPart},
      {"verbs: [list], resources: [pods], names: [\"web-*\"]", "list pods", kPart},
      // A field selector for one name narrows the request itself.
      {"verbs: [list], resources: [pods], names: [\"web-*\"]", "list pods x/web-1", kAllowed},
      {"verbs: [watch], resources: [pods], names: [\"web-*\"]", "watch pods x/db-1", kDenied},
      {"verbs: [list], resources: [nodes], names: [n1]", "list nodes", kPart},
      {"verbs: [get], resources: [namespaces], names: [web]", "get namespaces shop/shop", kDenied},
      {"verbs: [get], resources: [\"/*\"], names: [x]", "get /metrics", kDenied},
      // A proxied name may carry scheme and port.
      {"verbs: [proxy], resources: [services], names: [web]", "get services/proxy x/https:web:443",
       kAllowed},
      {"verbs: [proxy], resources: [services], names: [web]", "get services/proxy x/web:80",
       kAllowed},
      {"verbs: [proxy], resources: [services], names: [web]", "get services/proxy x/http:db:80",
       kDenied},
      {"verbs: [proxy], resources: [services], names: [web]", "get services/proxy x/web:db:80",
       kDenied},
  });
}

TEST(RoleScope, ListsOverAllNamespaces) {
  ExpectOutcomes({
      {"namespaces: [web], verbs: [list], resources: [pods]", "list pods", kPart},
      {"namespaces: [web], verbs: [list], resources: [pods]", "watch pods", kPart},
      {"namespaces: [web], verbs: [list], resources: [pods]", "list pods /a", kPart},
      {"namespaces: [web], verbs: [list], resources: [widgets.example.com]",
       "list widgets.example.com", kPart},
      {"namespaces: [web], verbs: [get], resources: [pods]", "list pods", kDenied},
      {"namespaces: [web], verbs: [list], resources: [pods], names: [b]", "list pods /a", kDenied},
      {"verbs: [list], resources: [pods]", "list pods", kAllowed},
      {"verbs: [list], resources: [pods], except_namespaces: [prod]", "list pods", kPart},
      {"namespaces: [web], verbs: [\"*\"], resources: [\"*\"]", "deletecollection pods", kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_namespaces: [prod]", "deletecollection pods",
       kDenied},
      {"verbs: [\"*\"], resources: [\"*\"]", "deletecollection pods", kAllowed},
  });
}

TEST(RoleScope, NarrowedListsSayWhatPasses) {
  const Result<RolesFile> file = ParseRolesFile(R"(
roles:
  - name: ops
    clusters:
      - {name: "*", namespaces: ["*"], except_namespaces: [prod], verbs: [list], resources: [pods]}
  - name: web
    clusters:
      - {name: "*", namespaces: [web, shop], verbs: [list], resources: [pods]}
      - {name: "*", namespaces: [db], names: ["pg-*"], verbs: [list], resources: ["*"]}
      - {name: "*", namespaces: [x], verbs: [get], resources: [pods]}
      - {name: "other", namespaces: [y], verbs: [list], resources: [pods]}
)");
  ASSERT_TRUE(file);
  const RoleBook book(file->roles);
  const auto decide = [&](std::vector<std::string> held) {
    return book.For(held, "c")->Decide(Asked("list pods"));
  };
  const ListScope web{.namespaces = {"web", "shop"}};
  const ListScope db{.namespaces = {"db"}, .names = {"pg-*"}};
  const ListScope all{.namespaces = {"*"}, .except_namespaces = {"prod"}, .cluster_scoped = true};

  const Decision one = decide({"web"});
  EXPECT_FALSE(one.allowed);
  EXPECT_TRUE(one.narrowed);
  EXPECT_EQ(one.scopes, (std::vector<ListScope>{web, db}));
  EXPECT_EQ(one.roles, std::vector<std::string>{"web"});
  EXPECT_EQ(one.reason,
            "your roles grant it only in the namespaces web, shop, and in the namespaces db for "
            "the names pg-*");

  const Decision both = decide({"web", "ops"});
  EXPECT_TRUE(both.narrowed);
  EXPECT_EQ(both.scopes, (std::vector<ListScope>{all, web, db}));
  EXPECT_EQ(both.roles, (std::vector<std::string>{"ops", "web"}));
}

TEST(RoleScope, RefusalsSayWhatIsMissing) {
  const struct {
    std::string_view grant, asked, reason;
  } rows[] = {
      {"verbs: [get], resources: [pods]", "get secrets web/a",
       "none of your roles on this cluster grants anything on secrets"},
      {"verbs: [get], resources: [pods]", "get pods/status web/a",
       "none of your roles on this cluster grants anything on pods/status (a grant on pods does "
       "not include it)"},
      {"verbs: [get, list], resources: [deployments]", "delete deployments.apps web/a",
       "role r grants only get, list, watch on it"},
      {"verbs: [get, list], resources: [pods]", "create pods/exec web/a",
       "pods/exec needs the verb exec, which role r does not grant on it"},
      {"verbs: [get], resources: [pods]", "get pods/log web/a",
       "pods/log needs the verb logs, which role r does not grant on it"},
      {"verbs: [\"*\"], resources: [\"*\"]", "create serviceaccounts/token web/a",
       "wildcards do not reach serviceaccounts/token; a role must name it"},
      {"verbs: [get], resources: [\"*\"], except_resources: [secrets]", "get secrets web/a",
       "role r excepts it"},
      {"namespaces: [web, shop], verbs: [get], resources: [pods]", "get pods db/a",
       "role r grants it only in the namespaces web, shop"},
      {"namespaces: [\"*\"], verbs: [get], resources: [pods], except_namespaces: [db]",
       "get pods db/a", "role r grants it only in all namespaces except db"},
      {"namespaces: [web], verbs: [get], resources: [nodes]", "get nodes /n",
       "it belongs to no namespace, and role r is limited to the namespaces web"},
      {"verbs: [get], resources: [pods], names: [a]", "get pods web/b",
       "role r grants it only for the names a"},
      {"verbs: [create], resources: [pods], names: [a]", "create pods web/",
       "role r grants it only for the names a, which cannot limit create"},
      {"verbs: [get], resources: [\"*\"]", "get /metrics",
       "none of your roles on this cluster grants anything on /metrics"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Decided(OneGrant(row.grant), row.asked).reason, row.reason) << row.asked;
  }
}

// What a narrowed list may show.
TEST(RoleScope, AdmitsWhatTheScopesTake) {
  const ListScope web{.namespaces = {"web", "web-*"}};
  const ListScope named{.namespaces = {"shop"}, .names = {"front-*"}};
  const ListScope all{.namespaces = {"*"}, .except_namespaces = {"kube-*"}, .cluster_scoped = true};
  const ListScope all_named{.namespaces = {"*"}, .names = {"a"}, .cluster_scoped = true};
  struct Row {
    std::vector<ListScope> scopes;
    bool namespace_object;
    std::string_view namespace_, name;
    bool admitted;
  };
  const Row rows[] = {
      {{web}, false, "web", "a", true},
      {{web}, false, "web-2", "a", true},
      {{web}, false, "shop", "web", false},
      {{web}, false, "", "a", false},
      {{web}, false, "", "web", false},
      {{web}, false, "Web", "a", false},
      {{named}, false, "shop", "front-1", true},
      {{named}, false, "shop", "back-1", false},
      {{named}, false, "web", "front-1", false},
      {{web, named}, false, "web", "back-1", true},
      {{web, named}, false, "shop", "back-1", false},
      {{all}, false, "web", "a", true},
      {{all}, false, "kube-system", "a", false},
      {{all}, false, "", "kube-system", true},
      {{all_named}, false, "", "a", true},
      {{all_named}, false, "", "b", false},
      {{all, web}, false, "kube-system", "a", false},
      {{web}, true, "", "web", true},
      {{web}, true, "", "shop", false},
      {{all}, true, "", "kube-system", false},
      {{all}, true, "", "web", true},
      {{all_named}, true, "", "web", false},
      {{named}, true, "", "shop", false},
      {{web}, true, "", "", false},
      {{}, false, "web", "a", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Admits(row.scopes, row.namespace_object, row.namespace_, row.name), row.admitted)
        << row.namespace_ << "/" << row.name << (row.namespace_object ? " (Namespace)" : "");
  }
}

}  // namespace
}  // namespace mk8s::auth
