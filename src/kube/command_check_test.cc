// What is allowed and refused of kubectl's arguments, in every spelling.
#include "kube/command_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace mk8s::kube {
namespace {

using testing::HasSubstr;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : Split(text, ' ')) words.emplace_back(word);
  return words;
}

TEST(CommandCheck, AllowsWhatOneDoesEveryDay) {
  for (const char* text : {
           "get pods -n default",
           "get pods -A -o wide -w",
           "get po -ojson --sort-by=.metadata.name",
           "get --raw /api/v1/namespaces",
           "--namespace x get pods",
           "-n x get pods",
           "-o json get pods",
           "describe pod web-1",
           "logs -f deploy/web --tail=10",
           "logs -fp web-1 -c app",
           "exec -it web-1 -- mysql --user=root --password=x --server y",
           "exec web-1 -c app -- curl -s http://localhost:8080/",
           "exec web-1 -it -- sh -c date",
           "exec --stdin --tty web-1 -- env --token=1",
           "exec --stdin -- web-1 mysql --user=root",
           "run x --image=busybox --rm -i --restart=Never --command -- wget --server-response u",
           "create job x --image=busybox -- date --utc --profile",
           "apply -f web.yaml",
           "apply -Rf folder",
           "apply -f -",
           "apply -f a.yaml,b.yaml --server-side --force-conflicts",
           "apply -k overlays/prod",
           "kustomize overlays/prod",
           "create configmap c --from-file=key=web.yaml --from-file=web.yaml --from-env-file=.env",
           "create configmap c --from-literal=url=https://example.com/../x",
           "create rolebinding b --clusterrole=view --user=ann@example.com",
           "create clusterrolebinding b --clusterrole=view --user ann@example.com",
           "set subject rolebinding b --user=ann",
           "debug node/n1 -it --image=busybox --profile=sysadmin",
           "annotate pod web-1 url=https://example.com/a//b",
           "get pods -o jsonpath={.items[*].metadata.name}",
           "get pods -o go-template-file=t.tpl",
           "patch deploy web -p {\"spec\":{}}",
           "patch deploy web --patch-file=p.yaml",
           "rollout status deploy/web",
           "auth can-i --list",
           "version",
           "--help",
           "logs -p web-1 --prefix -- x",
           "create token builder",
           "get secrets -o name --chunk-size 5",
           "help get",
           "wait --for=condition=Ready pod/web-1 --timeout=30s",
       }) {
    const auto checked = CheckCommandArguments(Words(text));
    EXPECT_TRUE(checked) << text << "\n" << (checked ? "" : checked.error().message);
  }
  EXPECT_TRUE(CheckCommandArguments({}));
}

TEST(CommandCheck, NamesTheWayThatWorks) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"edit deploy web",
       "kubectl edit is refused beside the agent: no program but kubectl is there; run it on your "
       "machine: mk8s kubectl edit ..."},
      {"--server=x get pods",
       "--server is refused beside the agent: a command's requests go to its cluster, through "
       "mk8s, as you; leave it out, or for another cluster run mk8s kubectl --cluster NAME ..."},
      {"get pods --token x",
       "--token is refused beside the agent: a command's requests go to its cluster, through mk8s, "
       "as you; leave it out, or as somebody else run mk8s login and mk8s kubectl ..."},
      {"apply -f http://x/y",
       "--filename http://x/y is refused beside the agent: the agent fetches nothing for you; run "
       "it on your machine: mk8s kubectl apply ..."},
      {"a\x1b[2J",
       "kubectl a\\x1b[2J is refused beside the agent: it is none of kubectl's own "
       "commands, and plugins are programs that are not there; run it on your machine: "
       "mk8s kubectl a\\x1b[2J ..."},
  };
  for (const auto& c : cases) {
    const auto checked = CheckCommandArguments(Words(c.text));
    ASSERT_FALSE(checked) << c.text;
    EXPECT_EQ(checked.error().message, c.message);
  }
}

TEST(CommandCheck, RefusesWithAReason) {
  const struct {
    const char* text;
    const char* what;  // in the message
  } cases[] = {
      {"get pods --kubeconfig=/dev/null", "--kubeconfig is refused"},
      {"get pods --kubeconfig /dev/stdin", "--kubeconfig is refused"},
      {"--kubeconfig=/dev/null get pods", "--kubeconfig is refused"},
      {"get pods --server=https://x", "--server is refused"},
      {"get pods -s https://x", "--server is refused"},
      {"get pods -shttps://x", "--server is refused"},
      {"get pods -s=https://x", "--server is refused"},
      {"get pods -As https://x", "--server is refused"},
      {"logs web -fps https://x", "--server is refused"},
      {"get pods --token=x", "--token is refused"},
      {"get pods --as=bob", "--as is refused"},
      {"get pods --as-group x", "--as-group is refused"},
      {"get pods --as_uid=1", "--as-uid is refused"},
      {"get pods --as-user-extra=a=b", "--as-user-extra is refused"},
      {"get pods --context=x", "--context is refused"},
      {"get pods --user=x", "--user is refused"},
      {"create --user=x configmap c", "--user is refused"},
      {"get pods --cluster=x", "--cluster is refused"},
      {"get pods --kuberc=x", "--kuberc is refused"},
      {"get pods --profile=cpu", "--profile is refused"},
      {"get pods --profile_output=x", "--profile-output is refused"},
      {"get pods --cache-dir=/tmp", "--cache-dir is refused"},
      {"get pods --insecure-skip-tls-verify", "--insecure-skip-tls-verify is refused"},
      {"get pods --client-key=/x", "--client-key is refused"},
      {"create -f a.yaml --edit", "--edit is refused"},
      {"get pods -l -- --token=x", "--token is refused"},
      {"exec web -c -- --server=x", "--server is refused"},
      {"get --unknown --kubeconfig=x pods", "--kubeconfig is refused"},
      {"apply -f http://x/y.yaml", "fetches nothing"},
      {"apply -fhttps://x/y.yaml", "fetches nothing"},
      {"apply -Rf HTTPS://x/y.yaml", "fetches nothing"},
      {"apply --filename=a.yaml,https://x/y.yaml", "fetches nothing"},
      {"apply -k https://github.com/x/y", "fetches nothing"},
      {"apply -k github.com/x/y", "fetches nothing"},
      {"apply --kustomize git@host:x/y", "fetches nothing"},
      {"kustomize github.com/x/y?ref=main", "fetches nothing"},
      {"kustomize x --enable-helm", "--enable-helm is refused"},
      {"create configmap c --from-file=/etc/passwd --dry-run=client", "files that come with"},
      {"create configmap c --from-file=x=../../etc/passwd", "files that come with"},
      {"create configmap c --from-env-file /proc/self/environ", "files that come with"},
      {"get pods -o go-template-file=/etc/passwd", "files that come with"},
      {"get pods -ojsonpath-file=/etc/passwd", "files that come with"},
      {"get pods -o go-template-file --template /etc/passwd", "files that come with"},
      {"apply -f /var/run/secrets/token", "files that come with"},
      {"create secret tls t --cert=/x --key=y", "files that come with"},
      {"patch pod x --patch-file=/etc/shadow", "files that come with"},
      {"edit deploy web", "kubectl edit is refused"},
      {"apply edit-last-applied deploy web", "edit-last-applied is refused"},
      {"proxy", "kubectl proxy is refused"},
      {"-n x port-forward web 80", "kubectl port-forward is refused"},
      {"config view --raw", "kubectl config is refused"},
      {"-A get edit deploy web", "kubectl edit is refused"},  // as cobra reads it
      {"kustomize . -o out.yaml", "--output is refused"},
      {"cluster-info dump --output-directory=x", "--output-directory is refused"},
      {"get pods -n --token=x", "--token is refused"},
      {"get pods --proxy-url=http://x", "--proxy-url is refused"},
      {"plugin list", "kubectl plugin is refused"},
      {"cp web:/x y", "kubectl cp is refused"},
      {"diff -f a.yaml", "kubectl diff is refused"},
      {"kuberc view", "kubectl kuberc is refused"},
      {"krew install x", "none of kubectl's own commands"},
      {"__complete get", "none of kubectl's own commands"},
  };
  for (const auto& c : cases) {
    const auto checked = CheckCommandArguments(Words(c.text));
    ASSERT_FALSE(checked) << c.text;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument) << c.text;
    EXPECT_THAT(checked.error().message, HasSubstr(c.what)) << c.text;
    EXPECT_THAT(checked.error().message, HasSubstr("mk8s kubectl")) << c.text;
  }
  EXPECT_FALSE(CheckCommandArguments(std::vector<std::string>{std::string("get\0pods", 8)}));
}

}  // namespace
}  // namespace mk8s::kube
