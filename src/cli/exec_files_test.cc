// Which files a command line takes along, and how their names change.
#include "cli/exec_files.h"

#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

class ExecFilesTest : public testing::Test {
 protected:
  ExecFilesTest() {
    for (const std::string_view name :
         {"work/a.yaml", "work/b.json", "work/notes.txt", "work/app/c.yml", "work/app/d/e.yaml",
          "work/app/d/skip.md", "other/f.yaml", "other/g.env", "base/deploy.yaml",
          "work/over/patch.yaml", "work/over/conf.ini"}) {
      Write(name, std::string(name));
    }
    Write("base/kustomization.yaml", "resources: [deploy.yaml, missing.yaml]");
    Write("work/over/kustomization.yaml",
          "resources: [../../base]\npatches: [{path: patch.yaml}]\n"
          "configMapGenerator: [{name: x, files: [the.ini=conf.ini], literals: [a=b]}]\n");
    Write("work/own/kustomization.yml", "resources:\n- ../a.yaml\n- https://x.test/y.yaml\n");
  }
  void Write(std::string_view name, const std::string& content) {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  std::string Outside(std::string_view name) {
    return "mk8s-outside" + (folder_.path() / name).string();
  }
  TemporaryFolder folder_;
};

TEST_F(ExecFilesTest, TakesAlongWhatIsNamed) {
  const std::string root = folder_.path().string();
  struct Case {
    Words arguments;
    Words files;      // names in the command's folder
    Words rewritten;  // empty: unchanged
    bool reads_stdin = false;
  };
  const Case cases[] = {
      {{"get", "pods", "-n", "a.yaml"}, {}, {}},
      {{"apply", "-f", "a.yaml"}, {"a.yaml"}, {}},
      {{"apply", "-f=a.yaml", "-fb.json"}, {"a.yaml", "b.json"}, {}},
      {{"apply", "--filename=./a.yaml,b.json"}, {"a.yaml", "b.json"}, {}},
      {{"apply", "-f", "-"}, {}, {}, true},
      {{"apply", "-f", "missing.yaml"}, {}, {}},
      {{"apply", "-f", "../missing.yaml"}, {}, {"apply", "-f", Outside("missing.yaml")}},
      {{"get", "pods", "--template", "{{/x/../y}}"}, {}, {}},
      {{"apply", "-f", "app"}, {"app/c.yml"}, {}},
      {{"apply", "-Rf", "app"}, {"app/c.yml", "app/d/e.yaml"}, {}},
      {{"apply", "-f", "app", "--recursive"}, {"app/c.yml", "app/d/e.yaml"}, {}},
      {{"apply", "-f", "*.yaml"}, {"a.yaml"}, {}},
      {{"apply", "-f", "../other/f.yaml"},
       {Outside("other/f.yaml")},
       {"apply", "-f", Outside("other/f.yaml")}},
      {{"apply", "-f" + root + "/other/f.yaml"},
       {Outside("other/f.yaml")},
       {"apply", "-f" + Outside("other/f.yaml")}},
      {{"apply", "-f", "app/../a.yaml"}, {"a.yaml"}, {"apply", "-f", "a.yaml"}},
      {{"apply", "-f", root + "/work/a.yaml"}, {"a.yaml"}, {"apply", "-f", "a.yaml"}},
      {{"apply", "-f", "../other"}, {Outside("other/f.yaml")}, {"apply", "-f", Outside("other")}},
      {{"apply", "-k", "own"}, {"a.yaml", "own/kustomization.yml"}, {}},
      {{"apply", "-k", "over"},
       {Outside("base/deploy.yaml"), Outside("base/kustomization.yaml"),
        Outside("work/over/conf.ini"), Outside("work/over/kustomization.yaml"),
        Outside("work/over/patch.yaml")},
       {"apply", "-k", Outside("work/over")}},
      {{"kustomize", "own"}, {"a.yaml", "own/kustomization.yml"}, {}},
      {{"create", "configmap", "x", "--from-file=k=notes.txt", "--from-file", "app"},
       {"app/c.yml", "notes.txt"},
       {}},
      {{"create", "configmap", "x", "--from-file=k=../other/g.env"},
       {Outside("other/g.env")},
       {"create", "configmap", "x", "--from-file=k=" + Outside("other/g.env")}},
      {{"create", "secret", "tls", "x", "--cert=a.yaml", "--key", "b.json"},
       {"a.yaml", "b.json"},
       {}},
      {{"patch", "pod", "x", "-p", "a.yaml", "--patch-file", "b.json"}, {"b.json"}, {}},
      {{"get", "pods", "-o", "go-template-file=notes.txt"}, {"notes.txt"}, {}},
      {{"get", "pods", "-o", "yaml"}, {}, {}},
      {{"logs", "-f", "a.yaml"}, {}, {}},
      {{"exec", "-i", "web", "--", "cat", "-f", "a.yaml"}, {}, {}, true},
  };
  for (const Case& c : cases) {
    const auto packed = PackCommand(c.arguments, folder_.path() / "work");
    ASSERT_TRUE(packed) << testing::PrintToString(c.arguments) << packed.error().message;
    Words names;
    for (const PackedFile& file : packed->files) {
      names.push_back(file.path);
      EXPECT_FALSE(file.content.empty());
    }
    EXPECT_EQ(names, c.files) << testing::PrintToString(c.arguments);
    EXPECT_EQ(packed->arguments, c.rewritten.empty() ? c.arguments : c.rewritten);
    EXPECT_EQ(packed->reads_stdin, c.reads_stdin) << testing::PrintToString(c.arguments);
  }
}

TEST_F(ExecFilesTest, RefusesWhatNeedsThisMachine) {
  for (const Words& arguments :
       {Words{"-n", "x", "port-forward", "a"}, Words{"apply", "-f", "https://x.test/a.yaml"}}) {
    const auto packed = PackCommand(arguments, folder_.path());
    ASSERT_FALSE(packed) << arguments[0];
    EXPECT_EQ(packed.error().code, ErrorCode::kInvalidArgument);
  }
  Write("work/large.yaml", std::string(limits::kExecInputBytesMax + 1, 'x'));
  const auto large = PackCommand({"apply", "-f", "large.yaml"}, folder_.path() / "work");
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
}

TEST_F(ExecFilesTest, KnowsWhatNeedsInputAndATerminal) {
  struct Case {
    Words arguments;
    bool reads_stdin, terminal;
  };
  const Case cases[] = {
      {{"exec", "-it", "web", "--", "sh"}, true, true},
      {{"exec", "-i", "-t", "web"}, true, true},
      {{"exec", "--stdin", "--tty=true", "web"}, true, true},
      {{"exec", "--stdin=false", "web"}, false, false},
      {{"run", "x", "--image=i", "-ti"}, true, true},
      {{"exec", "web", "--", "x", "-it"}, false, false},
      {{"exec", "-nprod", "web"}, false, false},
      {{"exec", "-c", "-it", "web"}, false, false},
      {{"delete", "-i", "pod", "web"}, true, false},
  };
  for (const Case& c : cases) {
    const auto packed = PackCommand(c.arguments, folder_.path());
    ASSERT_TRUE(packed) << testing::PrintToString(c.arguments);
    EXPECT_EQ(packed->reads_stdin, c.reads_stdin) << testing::PrintToString(c.arguments);
    EXPECT_EQ(packed->terminal, c.terminal) << testing::PrintToString(c.arguments);
  }
}

}  // namespace
}  // namespace mk8s::cli
