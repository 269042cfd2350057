// The command line itself: help, usage errors, the kubectl word, completion, the picker's keys.
#include "cli/dispatch.h"

#include "cli/completion_scripts.h"
#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

using testing::HasSubstr;

using DispatchTest = CliTest;

TEST_F(DispatchTest, Help) {
  EXPECT_EQ(Run({}), 0);
  ExpectGolden("help.txt", Output());
  EXPECT_EQ(Run({"--help"}), 0);
  ExpectGolden("help.txt", Output());
  EXPECT_EQ(Run({"clusters"}), 0);
  ExpectGolden("help_clusters.txt", Output());
  EXPECT_EQ(Run({"help", "clusters", "use"}), 0);
  ExpectGolden("help_clusters_use.txt", Output());
  EXPECT_EQ(Run({"audit", "list", "-h"}), 0);
  ExpectGolden("help_audit_list.txt", Output());
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(Output(), "mk8s " MK8S_VERSION "\n");
}

TEST_F(DispatchTest, UsageErrorsSayWhatWasMeant) {
  struct Case {
    std::vector<std::string> words;
    std::string message;
  };
  const Case cases[] = {
      {{"clustres"}, "unknown command \"clustres\"; did you mean \"clusters\"?"},
      {{"clusters", "lst"}, "unknown command \"lst\"; did you mean \"list\"?"},
      {{"clusters", "list", "--no-header"}, "did you mean \"--no-headers\"?"},
      {{"clusters", "list", "more"}, "unexpected argument \"more\""},
      {{"clusters", "list", "-o", "xml"}, "\"xml\" is none of table, wide, name, json, yaml"},
      {{"clusters", "add"}, "NAME is required"},
      {{"roles", "apply"}, "--filename is required"},
      {{"frobnicate"}, "unknown command \"frobnicate\"\n"},
      {{"completion", "csh"}, "mk8s completion bash, zsh or fish"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Run(c.words), 2) << testing::PrintToString(c.words);
    EXPECT_THAT(Messages(), HasSubstr(c.message)) << testing::PrintToString(c.words);
    EXPECT_THAT(Messages(), HasSubstr("\n  next: mk8s")) << testing::PrintToString(c.words);
    EXPECT_EQ(Output(), "");
  }
}

TEST_F(DispatchTest, TakesTheKubectlWord) {
  struct Case {
    std::vector<std::string> words;
    std::optional<std::vector<std::string>> arguments;
    std::string cluster;
    bool remote = false;
  };
  using Words = std::vector<std::string>;
  const Case cases[] = {
      {{"kubectl", "get", "pods"}, Words{"get", "pods"}, ""},
      {{"k", "--cluster", "a", "get", "--cluster", "b"}, Words{"get", "--cluster", "b"}, "a"},
      {{"k", "--cluster=a", "--help"}, Words{"--help"}, "a"},
      {{"--cluster", "a", "kubectl", "-h"}, Words{"-h"}, "a"},
      {{"kubectl", "--server", "x"}, Words{"--server", "x"}, ""},
      {{"kubectl"}, Words{}, ""},
      {{"exec-remote", "--cluster", "a", "get", "pods"}, Words{"get", "pods"}, "a", true},
      {{"clusters", "use", "kubectl"}, std::nullopt, ""},
      {{"--cluster", "kubectl"}, std::nullopt, ""},
      {{}, std::nullopt, ""},
  };
  for (const Case& c : cases) {
    GlobalFlags flags;
    const auto call = TakeKubectlCall(c.words, flags);
    EXPECT_EQ(call ? std::optional(call->arguments) : std::nullopt, c.arguments)
        << testing::PrintToString(c.words);
    EXPECT_EQ(call && call->remote, c.remote) << testing::PrintToString(c.words);
    EXPECT_EQ(flags.cluster, c.cluster) << testing::PrintToString(c.words);
  }
}

TEST_F(DispatchTest, Completes) {
  LogIn(std::chrono::hours(1), "prod");
  central.Answer("GET /clusters", 200,
                 R"({"clusters":[{"id":"1","name":"prod","status":"connected"},
                                 {"id":"2","name":"staging","status":"connected"}]})");
  struct Case {
    std::vector<std::string> words;
    std::string output;
  };
  const Case cases[] = {
      {{"clusters", "u"}, "use\tChoose the current cluster\n:4\n"},
      {{"clusters", "use", ""}, "prod\tconnected\nstaging\tconnected\n:4\n"},
      {{"clusters", "use", "st"}, "staging\tconnected\n:4\n"},
      {{"clusters", "use", "prod", ""}, ":4\n"},
      {{"--cluster", "p"}, "prod\tconnected\n:4\n"},
      {{"kubectl", "--cluster", "p"}, "prod\tconnected\n:4\n"},
      {{"clusters", "list", "-o", "j"}, "json\n:4\n"},
      {{"clusters", "list", "--no"}, "--no-headers\tLeave out the table's first line\n:4\n"},
      {{"roles", "apply", "-f", ""}, ":0\n"},
      {{"completion", "z"}, "zsh\n:4\n"},
      {{"credentia"}, ":4\n"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> words = {"__complete"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    EXPECT_EQ(Run(words), 0);
    EXPECT_EQ(Output(), c.output) << testing::PrintToString(c.words);
  }
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), 0);
    EXPECT_EQ(Output(), CompletionScript(shell));
  }
}

TEST(Picker, Keys) {
  using Outcome = PickerState::Outcome;
  struct Case {
    std::size_t count;
    std::string keys;
    Outcome outcome;
    std::size_t cursor;
  };
  const Case cases[] = {
      {3, "\r", Outcome::kChosen, 0},        {3, "\x1b[B\x1b[B\n", Outcome::kChosen, 2},
      {3, "\x1b[A\r", Outcome::kChosen, 2},  {3, "jjk\r", Outcome::kChosen, 1},
      {3, "2", Outcome::kChosen, 1},         {3, "7\r", Outcome::kChosen, 0},
      {12, "5\r", Outcome::kChosen, 4},      {3, "jq", Outcome::kCancelled, 1},
      {3, "\x03", Outcome::kCancelled, 0},   {3, "\x04", Outcome::kCancelled, 0},
      {3, "\x1b[Cx\r", Outcome::kChosen, 0},
  };
  for (const Case& c : cases) {
    PickerState state(c.count, 0);
    Outcome outcome = Outcome::kGoOn;
    for (const char key : c.keys) {
      ASSERT_EQ(outcome, Outcome::kGoOn) << testing::PrintToString(c.keys);
      outcome = state.Key(key);
    }
    EXPECT_EQ(outcome, c.outcome) << testing::PrintToString(c.keys);
    EXPECT_EQ(state.cursor(), c.cursor) << testing::PrintToString(c.keys);
  }
}

}  // namespace
}  // namespace mk8s::cli
