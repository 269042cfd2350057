// flag > environment > file, and the file itself.
#include "cli/settings.h"

#include "cli/suggest.h"

namespace mk8s::cli {
namespace {

TEST(Settings, Precedence) {
  struct Case {
    std::string flag, variable, file, value, origin;
  };
  const Case cases[] = {
      {"", "", "", "", ""},
      {"", "", "c", "c", "config.yaml"},
      {"", "b", "c", "b", "MK8S_CLUSTER"},
      {"a", "b", "c", "a", "--cluster"},
      {"a", "", "", "a", "--cluster"},
  };
  for (const Case& c : cases) {
    GlobalFlags flags;
    flags.cluster = c.flag;
    Environment environment;
    environment.Set("MK8S_CLUSTER", c.variable);
    const ConfigFile file{.central_url = "https://a", .current_cluster = c.file};
    const Result<Settings> settings = ResolveSettings(flags, environment, file);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->cluster.value, c.value);
    EXPECT_EQ(settings->cluster.origin, c.origin);
  }
}

TEST(Settings, AnotherServerTakesNothingFromTheFile) {
  const ConfigFile file{.central_url = "https://a",
                        .current_cluster = "prod",
                        .ca_file = "/ca",
                        .insecure_skip_tls_verify = true};
  Environment environment;
  environment.Set("MK8S_CENTRAL_URL", "b.example.com");
  const Result<Settings> settings = ResolveSettings({}, environment, file);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->central_url.value, "https://b.example.com");
  EXPECT_EQ(settings->cluster.value, "");
  EXPECT_EQ(settings->ca_file.value, "");
  EXPECT_FALSE(settings->insecure_skip_tls_verify);
}

TEST(Settings, NormalisesUrls) {
  const std::pair<std::string, std::string> cases[] = {
      {"mk8s.example.com", "https://mk8s.example.com"},
      {"HTTPS://Mk8s.Example.com:443/", "https://mk8s.example.com"},
      {"127.0.0.1:8080", "https://127.0.0.1:8080"},
      {" https://[::1]:8080 ", "https://[::1]:8080"},
  };
  for (const auto& [given, normal] : cases) {
    const Result<std::string> url = NormaliseUrl(given);
    ASSERT_TRUE(url) << given << ": " << url.error().message;
    EXPECT_EQ(*url, normal);
  }
  for (const char* bad : {"", "https://", "ftp://x", "https://x/path", "https://x:99999", "a b"}) {
    EXPECT_FALSE(NormaliseUrl(bad)) << bad;
  }
}

TEST(ConfigFile, RoundTrip) {
  const ConfigFile config{.central_url = "https://a:8080",
                          .current_cluster = "true",
                          .previous_cluster = "x",
                          .ca_file = "/a b/ca",
                          .insecure_skip_tls_verify = true};
  const Result<ConfigFile> read = ParseConfigFile(FormatConfigFile(config), "config.yaml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, config);
  EXPECT_EQ(*ParseConfigFile("", "c"), ConfigFile{});
}

TEST(ConfigFile, NamesTheLineOfAMistake) {
  const std::pair<std::string, std::string> cases[] = {
      {"central_url: a\ncurent_cluster: b\n",
       "c:2: unknown key \"curent_cluster\"; did you mean \"current_cluster\"?"},
      {"central_url: [a]\n", "c:1: bad conversion"},
      {"- a\n", "c:1: expected \"key: value\" lines"},
  };
  for (const auto& [text, message] : cases) {
    const Result<ConfigFile> config = ParseConfigFile(text, "c");
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().message, message);
  }
}

TEST(Suggest, NearestWord) {
  const std::vector<std::string> words = {"list", "use", "add", "remove", "rotate-token"};
  const std::pair<std::string, std::string> cases[] = {
      {"lst", "list"},     {"lits", "list"}, {"usee", "use"}, {"rotate", "rotate-token"},
      {"rmove", "remove"}, {"xyz", ""},      {"", ""},        {"lsit", "list"},
  };
  for (const auto& [word, nearest] : cases) EXPECT_EQ(Nearest(word, words), nearest) << word;
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("ab", "ba"), 1);
  EXPECT_EQ(EditDistance("", "abc"), 3);
}

}  // namespace
}  // namespace mk8s::cli
