// What of a command line may be recorded.
#include "kube/command_words.h"

#include "base/limits.h"
#include "base/text.h"

namespace mk8s::kube {
namespace {

struct Case {
  std::vector<std::string> arguments;
  std::string words;
};

TEST(CommandWords, MasksSecrets) {
  const Case cases[] = {
      {{"get", "pods", "-A"}, "kubectl get pods -A"},
      {{"get", "pods", "-l", "app in (a, b)"}, "kubectl get pods -l 'app in (a, b)'"},
      {{"exec", "web", "--", "sh", "-c", "echo it's"}, "kubectl exec web -- sh -c 'echo it'\\''s'"},
      {{"create", "secret", "generic", "db", "--from-literal=password=hunter2"},
       "kubectl create secret generic db --from-literal=password=***"},
      {{"create", "secret", "generic", "db", "--from-literal", "user=bob"},
       "kubectl create secret generic db --from-literal user=***"},
      {{"create", "configmap", "c", "--from-literal=mode=a=b"},
       "kubectl create configmap c --from-literal=mode=***"},
      {{"create", "secret", "docker-registry", "r", "--docker-username=u", "--docker-password=p"},
       "kubectl create secret docker-registry r --docker-username=u --docker-password=***"},
      {{"create", "secret", "docker-registry", "r", "--docker-password", "p"},
       "kubectl create secret docker-registry r --docker-password ***"},
      {{"get", "pods", "--token", "abc"}, "kubectl get pods --token ***"},
      {{"get", "pods", "--token=abc"}, "kubectl get pods --token=***"},
      {{"get", "pods", "--password=abc"}, "kubectl get pods --password=***"},
      {{"patch", "secret", "db", "-p", R"({"data":{"k":"dg=="}})"},
       "kubectl patch secret db -p ***"},
      {{"patch", "secret/db", "--patch", "{}"}, "kubectl patch secret/db --patch ***"},
      {{"-n", "prod", "patch", "Secrets", "db", "--patch={}"},
       "kubectl -n prod patch Secrets db --patch=***"},
      {{"patch", "deploy", "web", "-p", R"({"spec":{"replicas":2}})"},
       R"(kubectl patch deploy web -p '{"spec":{"replicas":2}}')"},
      {{"patch", "cm", "c", "-p", R"({"data":{"password":"hunter2","mode":"x"}})"},
       R"(kubectl patch cm c -p '{"data":{"password":"***","mode":"x"}}')"},
      {{"set", "env", "deploy/web", "MODE=fast"}, "kubectl set env deploy/web MODE=***"},
      {{"run", "x", "--image=i", "--env=A=b", "--env", "C=d"},
       "kubectl run x --image=i --env=A=*** --env C=***"},
      {{"exec", "db", "--", "env", "DB_PASSWORD=hunter2", "ls"},
       "kubectl exec db -- env DB_PASSWORD=*** ls"},
      {{"exec", "db", "--", "sh", "-c", "API_KEY='a b' run"},
       "kubectl exec db -- sh -c 'API_KEY='\\''***'\\'' run'"},
      {{"exec", "x", "--", "curl", "-H", "Authorization: Bearer abc.def", "u"},
       "kubectl exec x -- curl -H 'Authorization: Bearer ***' u"},
      {{"exec", "x", "--", "curl", "https://u:pw@host/p"},
       "kubectl exec x -- curl https://u:***@host/p"},
      {{"exec", "x", "--", "curl", "https://host/p@q"}, "kubectl exec x -- curl https://host/p@q"},
      {{"exec", "x", "--", "use", "eyJhbGci.eyJzdWIi.c2ln"}, "kubectl exec x -- use ***"},
      {{"config", "set-credentials", "x", "--auth-provider-arg=id-token=abc"},
       "kubectl config set-credentials x --auth-provider-arg=***"},
      {{"exec", "db", "--", "mysql", "--password", "hunter2"},
       "kubectl exec db -- mysql --password ***"},
      {{"patch", "secret", "db", R"(-p{"data":{"k":"dg=="}})"}, "kubectl patch secret db -p***"},
      {{"patch", "--new", "secret", "db", "-p", "{}"}, "kubectl patch --new secret db -p ***"},
      {{"create", "secret", "generic", "s", "--from_literal=k=v"},
       "kubectl create secret generic s --from_literal=k=***"},
      {{"run", "x", "-eA=b"}, "kubectl run x -eA=***"},
      {{"run", "x", "-ite", "A=b"}, "kubectl run x -ite A=***"},
      {{"get", "pods", "--show-secrets", "x"}, "kubectl get pods --show-secrets x"},
      {{"plugin", "--api-token", "abc"}, "kubectl plugin --api-token ***"},
      {{"logs", "-p", "web"}, "kubectl logs -p web"},
      {{"annotate", "pod", "x", "a=b\x1b[2J"}, "kubectl annotate pod x 'a=b\\x1b[2J'"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CommandWords(c.arguments), c.words);
  }
}

TEST(CommandWords, StaysWithinItsBound) {
  const std::string words = CommandWords({"apply", "-f", std::string(5'000, 'x')});
  EXPECT_LE(words.size(), limits::kCommandWordsBytesMax);
  EXPECT_TRUE(words.ends_with("..."));
  const std::string wide = CommandWords({"label", std::string(600, 'a') + "ä", "ääääää"});
  EXPECT_TRUE(IsUtf8(wide));
}

}  // namespace
}  // namespace mk8s::kube
