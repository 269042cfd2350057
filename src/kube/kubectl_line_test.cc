// Reading of kubectl's own arguments.
#include "kube/kubectl_line.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace mk8s::kube {
namespace {

// "get pods; namespace=x show-labels; doubtful": words, flags, values that look like flags.
std::string Read(std::string_view text) {
  std::vector<std::string> arguments;
  for (const std::string_view word : Split(text, ' ')) arguments.emplace_back(word);
  const KubectlLine line = ReadKubectlLine(arguments);
  std::string read;
  for (std::size_t i = 0; i < line.words.size(); ++i) {
    read += (i > 0 ? " " : "") + std::string(line.Word(i));
  }
  const auto add = [&](const std::vector<KubectlFlag>& flags) {
    for (const KubectlFlag& flag : flags) {
      read += " " + flag.name;
      if (flag.value) read += "=" + std::string(line.ValueOf(flag));
    }
  };
  read += ";";
  add(line.flags);
  if (!line.doubtful.empty()) read += ";";
  add(line.doubtful);
  return read;
}

TEST(KubectlLine, ReadsAsKubectlDoes) {
  const struct {
    const char* text;
    const char* read;
  } cases[] = {
      {"-n x get -o=yaml pods y", "get pods y; namespace=x output=yaml"},
      {"-n x logs -fc app --tail 5 web-1 --since=1h -l app=web -- ls --since=2h",
       "logs web-1; namespace=x follow container=app tail=5 since=1h selector=app=web"},
      {"apply -f a.yaml -f=b.yaml -fc.yaml -Rf -",
       "apply; filename=a.yaml filename=b.yaml filename=c.yaml recursive filename=-"},
      {"apply -f=", "apply; filename=="},  // pflag takes it so
      {"exec -it web -- sh -c x", "exec web; stdin tty"},
      {"exec --stdin=false -t=0 web", "exec web; stdin=false tty=0"},
      {"delete -i pod web", "delete pod web; interactive"},
      {"proxy -p 80 -w dir", "proxy; port=80 www=dir"},
      {"get --show-labels --dry-run pods", "get pods; show-labels dry-run"},
      {"create cm x --from_literal a=b", "create cm x; from-literal=a=b"},
      {"logs --prefix web", "logs web; prefix"},
      {"set env --prefix P deploy/web", "set env deploy/web; prefix=P"},
      {"get pods -l -- --as=x -- y", "get pods; selector=-- as=x"},
      {"get pods -n --as=x y", "get pods y; namespace=--as=x; as=x"},
      {"get --new pods -- --as=x", "get; new=pods"},
      {"get -xs https://x", "get; x server=https://x"},
      {"get - pods", "get - pods;"},
      {"-- get", ";"},
      // Before the sub-command cobra knows kubectl's global flags alone.
      {"--warnings-as-errors get pods", "get pods; warnings-as-errors"},
      {"-A get edit deploy web", "edit get deploy web; all-namespaces"},
      {"--show-labels get edit", "edit get; show-labels"},
      {"-An get x pods", "get pods; all-namespaces namespace=x"},
      {"-An get", "get; all-namespaces namespace"},
  };
  for (const auto& c : cases) EXPECT_EQ(Read(c.text), c.read) << c.text;
}

TEST(KubectlLine, KnowsWhatIsOn) {
  const std::vector<std::string> arguments = {"exec", "-it", "--tty=false", "--quiet", "--quiet=1"};
  const KubectlLine line = ReadKubectlLine(arguments);
  EXPECT_TRUE(line.IsOn("stdin"));
  EXPECT_FALSE(line.IsOn("tty"));
  EXPECT_TRUE(line.IsOn("quiet"));
  EXPECT_FALSE(line.IsOn("watch"));
  EXPECT_TRUE(line.Has("tty"));
  EXPECT_EQ(line.Word(1), "");
  EXPECT_TRUE(ReadKubectlLine({}).words.empty());
}

}  // namespace
}  // namespace mk8s::kube
