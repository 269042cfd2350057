// What grants reach: verbs, resources, what escalates, exceptions.  Namespaces and names are in
// role_scope_test.cc.
#include "auth/role_matcher.h"

#include "auth/role_asks_for_test.h"

namespace mk8s::auth {
namespace {

TEST(RoleVerbs, FriendlyAndTheApisOwn) {
  ExpectOutcomes({
      {"verbs: [get], resources: [pods]", "get pods web/a", kAllowed},
      {"verbs: [get], resources: [pods]", "list pods web/", kDenied},
      {"verbs: [get], resources: [pods]", "watch pods web/", kDenied},
      {"verbs: [get], resources: [pods]", "delete pods web/a", kDenied},
      // list implies watch; watch can stand alone; list does not imply get.
      {"verbs: [list], resources: [pods]", "list pods web/", kAllowed},
      {"verbs: [list], resources: [pods]", "watch pods web/", kAllowed},
      {"verbs: [list], resources: [pods]", "watch pods web/a", kAllowed},
      {"verbs: [list], resources: [pods]", "get pods web/a", kDenied},
      {"verbs: [watch], resources: [pods]", "watch pods web/", kAllowed},
      {"verbs: [watch], resources: [pods]", "list pods web/", kDenied},
      {"verbs: [delete], resources: [pods]", "delete pods web/a", kAllowed},
      {"verbs: [delete], resources: [pods]", "deletecollection pods web/", kDenied},
      {"verbs: [deletecollection], resources: [pods]", "deletecollection pods web/", kAllowed},
      // apply is get, create and patch.
      {"verbs: [apply], resources: [pods]", "get pods web/a", kAllowed},
      {"verbs: [apply], resources: [pods]", "create pods web/", kAllowed},
      {"verbs: [apply], resources: [pods]", "patch pods web/a", kAllowed},
      {"verbs: [apply], resources: [pods]", "update pods web/a", kDenied},
      {"verbs: [apply], resources: [pods]", "list pods web/", kDenied},
      {"verbs: [apply], resources: [pods]", "create pods/exec web/a", kDenied},
      {"verbs: [apply], resources: [pods/exec]", "create pods/exec web/a", kDenied},
      {"verbs: [apply], resources: [core/pods/exec]", "get pods/exec web/a", kDenied},
      {"verbs: [apply, create], resources: [pods/exec]", "create pods/exec web/a", kAllowed},
      {"verbs: [apply, exec], resources: [pods/exec]", "create pods/exec web/a", kAllowed},
      // A verb that is none, as an odd method makes, is granted by nothing but "*".
      {"verbs: [get, create], resources: [pods]", "frobnicate pods web/a", kDenied},
      {"verbs: [\"*\"], resources: [pods]", "frobnicate pods web/a", kAllowed},
  });
}

TEST(RoleVerbs, Logs) {
  ExpectOutcomes({
      {"verbs: [logs], resources: [pods]", "get pods/log web/a", kAllowed},
      {"verbs: [logs], resources: [pods]", "create pods/log web/a", kDenied},
      {"verbs: [logs], resources: [pods]", "get pods web/a", kDenied},
      {"verbs: [logs], resources: [pods]", "get pods/exec web/a", kDenied},
      {"verbs: [logs], resources: [\"*\"]", "get pods/log web/a", kAllowed},
      {"verbs: [logs], resources: [services]", "get pods/log web/a", kDenied},
      {"verbs: [get], resources: [pods/log]", "get pods/log web/a", kAllowed},
      {"verbs: [logs], resources: [pods/log]", "get pods/log web/a", kAllowed},
      {"verbs: [get], resources: [pods/log]", "get pods web/a", kDenied},
      // Neither get nor list gives logs, however wide the resource is.
      {"verbs: [get, list, watch], resources: [pods]", "get pods/log web/a", kDenied},
      {"verbs: [get, list, watch], resources: [\"*\"]", "get pods/log web/a", kDenied},
      {"verbs: [get, list], resources: [pods/*]", "get pods/log web/a", kDenied},
      {"verbs: [get, list], resources: [\"*/log\"]", "get pods/log web/a", kAllowed},
  });
}

TEST(RoleVerbs, ConnectingSubresourcesWhateverTheMethod) {
  for (const char* verb : {"get", "create", "update", "patch", "delete"}) {
    const std::string with(verb);
    for (const auto& [friendly, subresource] :
         {std::pair{"exec", "pods/exec"}, std::pair{"exec", "pods/attach"},
          std::pair{"port-forward", "pods/portforward"}, std::pair{"proxy", "pods/proxy"},
          std::pair{"proxy", "services/proxy"}}) {
      const std::string asked = with + " " + subresource + " web/a";
      const std::string base =
          std::string(subresource).substr(0, std::string(subresource).find('/'));
      const auto outcome = [&](const std::string& verbs, const std::string& resource) {
        return OutcomeOf(
            Decided(OneGrant("verbs: [" + verbs + "], resources: [\"" + resource + "\"]"), asked));
      };
      EXPECT_EQ(outcome(friendly, base), kAllowed) << asked;
      EXPECT_EQ(outcome(friendly, "*"), kAllowed) << asked;
      EXPECT_EQ(outcome(friendly, base + "/*"), kAllowed) << asked;
      EXPECT_EQ(outcome(friendly, subresource), kAllowed) << asked;
      EXPECT_EQ(outcome("\"*\"", base), kAllowed) << asked;
      EXPECT_EQ(outcome("create", subresource), kAllowed) << asked;
      EXPECT_EQ(outcome("get, list, watch, patch, update, delete", subresource), kDenied) << asked;
      // Every plain verb on all resources is no shell.
      EXPECT_EQ(outcome("get, list, watch, create, update, patch, delete", "*"), kDenied) << asked;
      EXPECT_EQ(outcome("get, list, create", base), kDenied) << asked;
      EXPECT_EQ(outcome("get, create", base + "/*"), kDenied) << asked;
      EXPECT_EQ(outcome("logs, debug", base), kDenied) << asked;
    }
  }
  ExpectOutcomes({
      {"verbs: [exec], resources: [pods]", "create pods/portforward web/a", kDenied},
      {"verbs: [exec], resources: [pods]", "get pods/log web/a", kDenied},
      {"verbs: [port-forward], resources: [pods]", "get pods/exec web/a", kDenied},
      {"verbs: [proxy], resources: [pods]", "get services/proxy web/a", kDenied},
      {"verbs: [create], resources: [pods/exec]", "create pods/attach web/a", kDenied},
  });
}

TEST(RoleVerbs, Debug) {
  ExpectOutcomes({
      {"verbs: [debug], resources: [pods]", "patch pods/ephemeralcontainers web/a", kAllowed},
      {"verbs: [debug], resources: [pods]", "update pods/ephemeralcontainers web/a", kAllowed},
      {"verbs: [debug], resources: [pods]", "patch pods web/a", kDenied},
      {"verbs: [debug], resources: [pods]", "create pods/attach web/a", kDenied},
      {"verbs: [patch, update], resources: [pods]", "patch pods/ephemeralcontainers web/a",
       kDenied},
      {"verbs: [patch, update], resources: [\"*\"]", "patch pods/ephemeralcontainers web/a",
       kDenied},
      {"verbs: [patch], resources: [pods/ephemeralcontainers]",
       "patch pods/ephemeralcontainers web/a", kAllowed},
      {"verbs: [patch], resources: [pods/ephemeralcontainers]",
       "update pods/ephemeralcontainers web/a", kDenied},
  });
}

TEST(RoleVerbs, StarIsAllButImpersonateBindAndEscalate) {
  ExpectOutcomes({
      {"verbs: [\"*\"], resources: [\"*\"]", "get pods/log web/a", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "get pods/exec web/a", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "create pods/attach web/a", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "create pods/portforward web/a", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "get services/proxy web/a", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "patch pods/ephemeralcontainers web/a", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "impersonate users /bob", kDenied},
      {"verbs: [\"*\"], resources: [users]", "impersonate users /bob", kDenied},
      {"verbs: [\"*\"], resources: [clusterroles]",
       "bind clusterroles.rbac.authorization.k8s.io /x", kDenied},
      {"verbs: [\"*\"], resources: [clusterroles]",
       "escalate clusterroles.rbac.authorization.k8s.io /x", kDenied},
      {"verbs: [impersonate], resources: [users]", "impersonate users /bob", kAllowed},
      {"verbs: [impersonate], resources: [users], names: [bob]", "impersonate users /eve", kDenied},
      {"verbs: [impersonate], resources: [users]", "impersonate groups /x", kDenied},
      {"verbs: [bind], resources: [clusterroles]", "bind clusterroles.rbac.authorization.k8s.io /x",
       kAllowed},
      {"verbs: [escalate], resources: [\"*\"]",
       "escalate clusterroles.rbac.authorization.k8s.io /x", kDenied},
  });
}

TEST(RoleResources, Spellings) {
  ExpectOutcomes({
      // A bare name is the built-in group's resource, and nothing else of that name.
      {"verbs: [get], resources: [pods]", "get pods.metrics.k8s.io web/a", kDenied},
      {"verbs: [get], resources: [secrets]", "get secrets.example.com web/a", kDenied},
      {"verbs: [get], resources: [namespaces]", "get namespaces.example.com a/a", kDenied},
      {"verbs: [get], resources: [secrets.example.com]", "get secrets.example.com web/a", kAllowed},
      {"verbs: [get], resources: [secrets.example.com]", "get secrets web/a", kDenied},
      {"verbs: [get], resources: [namespaces.example.com]", "get namespaces a/a", kDenied},
      {"verbs: [get], resources: [deployments]", "get deployments.apps web/a", kAllowed},
      {"verbs: [get], resources: [deployments]", "get deployments web/a", kDenied},
      {"verbs: [get], resources: [apps/deployments]", "get deployments.apps web/a", kAllowed},
      {"verbs: [get], resources: [deployments.apps]", "get deployments.apps web/a", kAllowed},
      {"verbs: [get], resources: [core/pods]", "get pods web/a", kAllowed},
      {"verbs: [get], resources: [metrics.k8s.io/pods]", "get pods.metrics.k8s.io web/a", kAllowed},
      {"verbs: [get], resources: [metrics.k8s.io/pods]", "get pods web/a", kDenied},
      {"verbs: [get], resources: [pods.metrics.k8s.io]", "get pods.metrics.k8s.io web/a", kAllowed},
      // events are in two groups, and the same objects.
      {"verbs: [get], resources: [events]", "get events web/a", kAllowed},
      {"verbs: [get], resources: [events]", "get events.events.k8s.io web/a", kAllowed},
      // Subresources are named, or reached by a whole "*".
      {"verbs: [get], resources: [pods]", "get pods/status web/a", kDenied},
      {"verbs: [get], resources: [pods/status]", "get pods/status web/a", kAllowed},
      {"verbs: [get], resources: [pods/*]", "get pods/status web/a", kAllowed},
      {"verbs: [get], resources: [pods/*]", "get pods web/a", kDenied},
      {"verbs: [get], resources: [\"*\"]", "get pods/status web/a", kAllowed},
      {"verbs: [get], resources: [\"apps/*\"]", "get deployments.apps/scale web/a", kAllowed},
      {"verbs: [get], resources: [\"*/scale\"]", "get deployments.apps/scale web/a", kAllowed},
      {"verbs: [get], resources: [\"*/scale\"]", "get deployments.apps web/a", kDenied},
      {"verbs: [get], resources: [deployments/scale]", "get deployments.apps/scale web/a",
       kAllowed},
      {"verbs: [get], resources: [apps/deployments/scale]", "get deployments.apps/scale web/a",
       kAllowed},
      {"verbs: [get], resources: [deployments.apps/scale]", "get deployments.apps/scale web/a",
       kAllowed},
      {"verbs: [create], resources: [pods/eviction]", "create pods/eviction web/a", kAllowed},
      {"verbs: [create], resources: [pods]", "create pods/eviction web/a", kDenied},
      // Globs.
      {"verbs: [get], resources: [\"*\"]", "get widgets.example.com web/a", kAllowed},
      {"verbs: [get], resources: [\"core/*\"]", "get pods web/a", kAllowed},
      {"verbs: [get], resources: [\"core/*\"]", "get deployments.apps web/a", kDenied},
      {"verbs: [get], resources: [\"deploy*\"]", "get deployments.apps web/a", kAllowed},
      {"verbs: [get], resources: [\"deploy*\"]", "get deploys.example.com web/a", kDenied},
      {"verbs: [get], resources: [\"*.cert-manager.io\"]", "get issuers.cert-manager.io web/a",
       kAllowed},
      {"verbs: [get], resources: [\"*.cert-manager.io\"]", "get issuers.acme.example web/a",
       kDenied},
      {"verbs: [get], resources: [\"cert-manager.io/*\"]", "get issuers.cert-manager.io web/a",
       kAllowed},
      {"verbs: [get], resources: [\"*.io\"]", "get issuers.cert-manager.io web/a", kDenied},
      {"verbs: [get], resources: [\"*.*.io\"]", "get issuers.cert-manager.io web/a", kAllowed},
      // Case matters, as to kube-apiserver.
      {"verbs: [get], resources: [pods]", "get Pods web/a", kDenied},
  });
}

TEST(RoleResources, PathsNeedAGrantOfTheirOwn) {
  ExpectOutcomes({
      {"verbs: [get], resources: [\"*\"]", "get /metrics", kDenied},
      {"verbs: [\"*\"], resources: [\"*\"]", "get /metrics", kDenied},
      {"verbs: [get], resources: [/metrics]", "get /metrics", kAllowed},
      {"verbs: [get], resources: [/metrics]", "head /metrics", kAllowed},
      {"verbs: [get], resources: [/metrics]", "post /metrics", kDenied},
      {"verbs: [create], resources: [/metrics]", "post /metrics", kAllowed},
      {"verbs: [update], resources: [/flags]", "put /flags", kAllowed},
      {"verbs: [get], resources: [/metrics]", "get /metrics/slis", kDenied},
      {"verbs: [get], resources: [\"/logs/*\"]", "get /logs/kube-apiserver.log", kAllowed},
      {"verbs: [get], resources: [\"/*\"]", "get /debug/pprof/heap", kAllowed},
      {"verbs: [get], resources: [\"/*\"], except_resources: [\"/debug/*\"]",
       "get /debug/pprof/heap", kDenied},
      {"verbs: [get], resources: [\"/*\"]", "get pods web/a", kDenied},
      {"namespaces: [web], verbs: [get], resources: [/metrics]", "get /metrics", kDenied},
  });
  EXPECT_TRUE(Decided(BuiltInRoles()[0], "get /metrics").allowed);
}

struct Escalation {
  std::string_view asked;
  std::string_view named;  // the spelling that reaches it
};

constexpr Escalation kEscalations[] = {
    {"create clusterrolebindings.rbac.authorization.k8s.io", "clusterrolebindings"},
    {"patch rolebindings.rbac.authorization.k8s.io web/a", "rolebindings"},
    {"update roles.rbac.authorization.k8s.io web/a", "rbac.authorization.k8s.io/roles"},
    {"delete clusterroles.rbac.authorization.k8s.io /a", "clusterroles.rbac.authorization.k8s.io"},
    {"deletecollection roles.rbac.authorization.k8s.io web/", "roles"},
    {"update certificatesigningrequests.certificates.k8s.io/approval /a",
     "certificatesigningrequests/approval"},
    {"approve signers.certificates.k8s.io /kubernetes.io/kubelet-serving", "signers"},
    {"sign signers.certificates.k8s.io /a", "certificates.k8s.io/signers"},
    {"create serviceaccounts/token web/a", "serviceaccounts/token"},
    {"get nodes/proxy /n", "nodes/proxy"},
    {"create nodes/proxy /n", "nodes/proxy"},
    {"create mutatingwebhookconfigurations.admissionregistration.k8s.io",
     "mutatingwebhookconfigurations"},
    {"patch validatingwebhookconfigurations.admissionregistration.k8s.io /a",
     "validatingwebhookconfigurations"},
    {"create mutatingadmissionpolicies.admissionregistration.k8s.io", "mutatingadmissionpolicies"},
    {"create apiservices.apiregistration.k8s.io", "apiservices"},
    {"patch apiservices.apiregistration.k8s.io/status /a", "apiservices/status"},
};

TEST(RoleEscalation, WildcardsDoNotReachIt) {
  for (const Escalation& one : kEscalations) {
    for (const char* wild : {"*", "*.*", "*/*", "core/*", "rbac.authorization.k8s.io/*", "*roles",
                             "certificates.k8s.io/*", "node?/proxy", "serviceaccounts/*",
                             "admissionregistration.k8s.io/*", "apiservice*"}) {
      const std::string grant =
          "verbs: [\"*\", proxy, approve, sign], resources: [\"" + std::string(wild) + "\"]";
      EXPECT_EQ(OutcomeOf(Decided(OneGrant(grant), one.asked)), kDenied)
          << wild << "  <-  " << one.asked;
    }
    const std::string named = "verbs: [\"*\"], resources: [\"" + std::string(one.named) + "\"]";
    EXPECT_EQ(OutcomeOf(Decided(OneGrant(named), one.asked)), kAllowed) << one.asked;
    const Role admin = OneGrant("verbs: [\"*\"], resources: [\"*\"]", true);
    EXPECT_EQ(OutcomeOf(Decided(admin, one.asked)), kAllowed) << one.asked;
  }
}

TEST(RoleEscalation, OnlyWhatEscalatesIsHeldBack) {
  ExpectOutcomes({
      {"verbs: [\"*\"], resources: [\"*\"]", "list clusterroles.rbac.authorization.k8s.io",
       kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "create roles.example.com web/", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "create serviceaccounts web/", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]",
       "create certificatesigningrequests.certificates.k8s.io", kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"]", "get nodes /n", kAllowed},
      {"verbs: [list], resources: [\"*\"]", "list apiservices.apiregistration.k8s.io", kAllowed},
      // "nodes" with proxy says what is meant, "nodes" with "*" does not.
      {"verbs: [proxy], resources: [nodes]", "get nodes/proxy /n", kAllowed},
      {"verbs: [\"*\"], resources: [nodes]", "get nodes/proxy /n", kDenied},
      {"verbs: [get], resources: [nodes/proxy]", "get nodes/proxy /n", kDenied},
      {"verbs: [create], resources: [nodes/proxy]", "get nodes/proxy /n", kAllowed},
  });
}

TEST(RoleExceptions, TakeAwayFromWhatIsGranted) {
  ExpectOutcomes({
      {"verbs: [get], resources: [\"*\"], except_resources: [secrets]", "get secrets web/a",
       kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_resources: [secrets]", "list secrets web/",
       kDenied},
      {"verbs: [get], resources: [\"*\"], except_resources: [secrets]", "get pods web/a", kAllowed},
      {"verbs: [get], resources: [\"*\"], except_resources: [secrets]",
       "get secrets.example.com web/a", kAllowed},
      {"verbs: [get], resources: [secrets], except_resources: [secrets]", "get secrets web/a",
       kDenied},
      // With its subresources, or one of them alone.
      {"verbs: [\"*\"], resources: [\"*\"], except_resources: [pods]", "get pods/log web/a",
       kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_resources: [pods/exec]", "get pods/exec web/a",
       kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_resources: [pods/exec]", "get pods web/a",
       kAllowed},
      {"verbs: [\"*\"], resources: [\"*\"], except_resources: [\"*/exec\"]",
       "create pods/exec web/a", kDenied},
      {"verbs: [\"*\"], resources: [\"*\"], except_resources: [\"*.example.com\"]",
       "get widgets.example.com web/a", kDenied},
  });
}

}  // namespace
}  // namespace mk8s::auth
