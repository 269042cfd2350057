// Every key from file and environment, every refusal with its line, and the examples in configs/.
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/limits.h"
#include "config/agent_config.h"
#include "config/central_config.h"
#include "config/reader.h"

namespace mk8s::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Variables = std::map<std::string, std::string, std::less<>>;

constexpr const char* kSecretYaml = "auth: {jwt_secret: 0123456789abcdef}\n";

Result<CentralConfig> Central(const std::string& yaml, Variables variables = {},
                              CentralOptions options = {"central.yaml"}) {
  return ParseCentralConfig(yaml, options, FixedEnvironment(std::move(variables)));
}

Result<AgentConfig> Agent(const std::string& yaml, Variables variables = {}) {
  return ParseAgentConfig(yaml, "agent.yaml", FixedEnvironment(std::move(variables)));
}

std::string FileText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(MK8S_SOURCE_DIR "/" + path).rdbuf();
  return text.str();
}

TEST(CentralConfig, DefaultsAreTheContracts) {
  const auto config = Central(kSecretYaml);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.http_port, 8080);
  EXPECT_EQ(config->server.grpc_port, 9090);
  EXPECT_EQ(config->server.diagnostics_port, 8081);
  EXPECT_EQ(config->server.bind_address, "");
  EXPECT_EQ(config->server.data_dir, "/var/lib/mk8s");
  EXPECT_EQ(config->database.driver, DatabaseDriver::kSqlite);
  EXPECT_EQ(SqlitePath(*config), "/var/lib/mk8s/mk8s.db");
  EXPECT_EQ(config->auth.token_expiry, 24h);
  EXPECT_EQ(config->auth.refresh_expiry, 7 * 24h);
  EXPECT_TRUE(config->tls.enabled);
}

TEST(CentralConfig, ReadsEveryKeyFromFileAndEnvironment) {
  const struct {
    const char* key;
    const char* value;
  } cases[] = {
      {"server.bind_address", "10.0.0.1"},
      {"server.http_port", "1"},
      {"server.grpc_port", "0"},
      {"server.diagnostics_port", "65535"},
      {"server.external_names", "[\"a.example\", \"10.0.0.1\"]"},
      {"server.data_dir", "/data"},
      {"server.loops", "3"},
      {"database.driver", "postgres"},
      {"database.url", "sqlite:///x.db"},
      {"database.connections_max", "5"},
      {"auth.jwt_secret", "\"[secret]\""},
      {"auth.token_expiry", "90s"},
      {"auth.refresh_expiry", "48h"},
      {"auth.bcrypt_cost", "10"},
      {"tls.enabled", "false"},
      {"tls.cert_file", "/tls/a.crt"},
      {"tls.key_file", "/tls/a.key"},
      {"log.level", "debug"},
  };
  CentralConfig config;
  const auto settings = Settings(config);
  ASSERT_EQ(settings.size(), std::size(cases)) << "a key without a case";
  for (std::size_t i = 0; i < settings.size(); ++i) {
    EXPECT_EQ(settings[i].key, cases[i].key);
    const std::string key = cases[i].key, value = cases[i].value;
    const std::string section = key.substr(0, key.find('.')), name = key.substr(key.find('.') + 1);
    CentralConfig from_file, from_environment;
    const auto file_settings = Settings(from_file),
               environment_settings = Settings(from_environment);
    const auto applied = ApplyYaml(section + ":\n  " + name + ": " + value, "f",
                                   FixedEnvironment({}), file_settings);
    EXPECT_TRUE(applied) << applied.error().message;
    EXPECT_EQ(file_settings[i].show(), value) << key;
    const std::string plain = key == "server.external_names" ? "a.example, 10.0.0.1" : value;
    EXPECT_TRUE(
        ApplyEnvironment(FixedEnvironment({{EnvironmentName(key), plain}}), environment_settings));
    EXPECT_EQ(environment_settings[i].show(), value) << key;
  }
  EXPECT_EQ(EnvironmentName("server.http_port"), "MK8S_SERVER_HTTP_PORT");
}

TEST(CentralConfig, EnvironmentOverridesFile) {
  const auto config = Central(std::string(kSecretYaml) + "server: {http_port: 1}\n",
                              {{"MK8S_SERVER_HTTP_PORT", "2"}});
  EXPECT_EQ(config->server.http_port, 2);
}

TEST(CentralConfig, ExpandsVariablesInValuesOnly) {
  const auto config = Central(
      "auth:\n  jwt_secret: ${SECRET}\nserver:\n  data_dir: /a/${B}/c${B}\n"
      "  external_names: [\"${B}.example\", localhost]\n",
      {{"SECRET", "x: y\nserver: {http_port: 1}"}, {"B", "b"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->auth.jwt_secret.Reveal(), "x: y\nserver: {http_port: 1}");
  EXPECT_EQ(config->server.data_dir, "/a/b/cb");
  EXPECT_EQ(config->server.http_port, 8080);
  EXPECT_THAT(config->server.external_names, testing::ElementsAre("b.example", "localhost"));
}

TEST(CentralConfig, ErrorsNameLineKeyAndNextStep) {
  const struct {
    const char* what;
    std::string yaml;
    const char* message;
  } cases[] = {
      {"unknown key", "server:\n  htp_port: 1\n",
       "central.yaml:2: unknown key \"server.htp_port\"; did you mean \"server.http_port\"?"},
      {"unknown section", "log:\nsrver:\n  http_port: 1\n",
       "central.yaml:2: unknown section \"srver\"; did you mean \"server\"?"},
      {"nothing near", "server:\n  colour: red\n", "unknown key \"server.colour\""},
      {"wrong type", "server:\n\n  http_port: web\n",
       "central.yaml:3: server.http_port: \"web\" is not a port from 0 to 65535"},
      {"port too big", "server: {http_port: 65536}", "central.yaml:1: server.http_port"},
      {"negative port", "server: {http_port: -1}", "central.yaml:1: server.http_port"},
      {"fraction", "server: {http_port: 80.5}", "central.yaml:1: server.http_port"},
      {"list for a value", "server:\n  http_port: [1]\n",
       "central.yaml:2: server.http_port: must be a single value"},
      {"map for a list", "server:\n  external_names: {a: b}\n", "must be a list of values"},
      {"value for a section", "server: 8080\n", "central.yaml:1: server: must have keys under it"},
      {"a list", "- server\n", "must be sections with keys"},
      {"a word for a flag", "tls: {enabled: yes}", "\"yes\" is not true or false"},
      {"unknown word", "database: {driver: mysql}", "\"mysql\" is not one of sqlite, postgres"},
      {"duration without unit", "auth: {token_expiry: 24}",
       "\"24\" is not a duration from 1s to 720h, such as 15m"},
      {"duration too long", "auth: {token_expiry: 800h}", "auth.token_expiry"},
      {"key twice", "server:\n  http_port: 1\n  http_port: 2\n",
       "central.yaml:3: \"server.http_port\" is given twice, first in line 2"},
      {"section twice", "server: {http_port: 1}\nserver: {http_port: 2}\n",
       "central.yaml:2: \"server\" is given twice, first in line 1"},
      {"undefined variable", "auth:\n  jwt_secret: ${NO_SUCH}\n",
       "central.yaml:2: auth.jwt_secret: the environment variable NO_SUCH is not set"},
      {"open variable", "auth:\n  jwt_secret: ${NO_SUCH\n", "without its"},
      {"malformed", "server:\n  http_port: [1\n", "central.yaml:"},
      {"deep", "server: " + std::string(100'000, '['), "too deeply nested"},
      {"large", std::string(limits::kConfigFileBytesMax + 1, '\n'), "too large"},
      {"a map as key", "{a: b}: c\n", "a key must be a word"},
      {"no secret", "server: {http_port: 1}\n",
       "central.yaml: auth.jwt_secret is not set: give it there or in MK8S_AUTH_JWT_SECRET"},
      {"short secret", "auth: {jwt_secret: short}", "auth.jwt_secret is too short"},
      {"certificate without key", std::string(kSecretYaml) + "tls: {cert_file: a}",
       "tls.cert_file and tls.key_file go together"},
      {"PostgreSQL with SQLite's URL",
       std::string(kSecretYaml) + "database: {driver: postgres, url: 'sqlite:///x'}",
       "database.url does not fit the driver: postgres://"},
      {"PostgreSQL without URL", std::string(kSecretYaml) + "database: {driver: postgres}",
       "database.url does not fit the driver"},
      {"SQLite with another URL", std::string(kSecretYaml) + "database: {url: '/x.db'}",
       "sqlite:///PATH is needed"},
      {"refresh below token", "auth: {jwt_secret: 0123456789abcdef, refresh_expiry: 1h}",
       "auth.refresh_expiry is shorter"},
  };
  for (const auto& c : cases) {
    const auto config = Central(c.yaml);
    ASSERT_FALSE(config) << c.what;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument) << c.what;
    EXPECT_THAT(config.error().message, HasSubstr(c.message)) << c.what;
  }
  EXPECT_THAT(Central("", {{"MK8S_SERVER_HTTP_PORT", "x"}}).error().message,
              HasSubstr("environment variable MK8S_SERVER_HTTP_PORT: \"x\" is not a port"));
}

TEST(CentralConfig, EmptyKeysKeepTheirDefaults) {
  const auto config = Central(std::string(kSecretYaml) + "server:\n  http_port:\nlog:\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.http_port, 8080);
}

TEST(CentralConfig, DevNeedsNothing) {
  const auto config = Central("", {{"HOME", "/home/a"}}, {.dev = true});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.bind_address, "127.0.0.1");
  EXPECT_EQ(SqlitePath(*config), "/home/a/.local/state/mk8s/mk8s.db");
  EXPECT_EQ(Central("", {{"XDG_STATE_HOME", "/s"}}, {.dev = true})->server.data_dir, "/s/mk8s");
  EXPECT_EQ(Central("", {}, {.dev = true, .data_dir = "/d"})->server.data_dir, "/d");
  EXPECT_EQ(Central("server: {bind_address: 0.0.0.0}", {}, {.dev = true})->server.bind_address,
            "0.0.0.0");
}

TEST(CentralConfig, DescriptionHidesSecrets) {
  const struct {
    const char* url;
    const char* shown;
  } cases[] = {
      {"postgres://mk8s:hunter2@db.example:5432/mk8s?sslmode=require",
       "url: \"postgres://mk8s:[secret]@db.example:5432/mk8s\""},
      {"postgres://mk8s:hunter2@db.example", "url: \"postgres://mk8s:[secret]@db.example\""},
      {"postgres://db.example/mk8s?password=hunter2", "url: postgres://db.example/mk8s"},
      {"postgres://mk8s:hunter2%40@h1,h2/mk8s", "url: \"postgres://mk8s:[secret]@h1,h2/mk8s\""},
  };
  for (const auto& c : cases) {
    const auto config = Central("", {{"MK8S_AUTH_JWT_SECRET", "hunter2-hunter2-hunter2"},
                                     {"MK8S_DATABASE_DRIVER", "postgres"},
                                     {"MK8S_DATABASE_URL", c.url}});
    ASSERT_TRUE(config) << config.error().message;
    const std::string text = DescribeConfig(*config);
    EXPECT_THAT(text, HasSubstr(std::string("  ") + c.shown + "\n"));
    EXPECT_THAT(text, HasSubstr("  jwt_secret: \"[secret]\"\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("hunter2")));
  }
}

TEST(Examples, EqualTheDefaults) {
  CentralConfig central;
  const std::string central_text = FileText("configs/central.yaml");
  EXPECT_EQ(central_text.substr(central_text.find("\n\n") + 1),
            Render(Settings(central), /*as_example=*/true));
  const auto loaded = Central(central_text, {{"JWT_SECRET", "0123456789abcdef"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(DescribeConfig(*loaded), DescribeConfig(*Central(kSecretYaml)));

  AgentConfig agent;
  const std::string agent_text = FileText("configs/agent.yaml");
  EXPECT_EQ(agent_text.substr(agent_text.find("\n\n") + 1),
            Render(Settings(agent), /*as_example=*/true));
  EXPECT_TRUE(
      Agent(agent_text,
            {{"CENTRAL_URL", "https://c:9090"}, {"AGENT_TOKEN", "t"}, {"CLUSTER_NAME", "dev"}}));
}

TEST(AgentConfig, TheDeploymentsEnvironmentWorksAlone) {
  const Variables variables = {{"CENTRAL_URL", "https://central.example:9090"},
                               {"CLUSTER_NAME", "dev-1"},
                               {"AGENT_TOKEN", "t"}};
  const auto config = LoadAgentConfig("", FixedEnvironment(variables));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->central.host, "central.example");
  EXPECT_EQ(config->central.port, 9090);
  EXPECT_EQ(config->cluster.name, "dev-1");
  EXPECT_EQ(config->central.token.Reveal(), "t");
  EXPECT_EQ(config->agent.diagnostics_port, 8082);
  Variables more = variables;
  more["MK8S_CLUSTER_NAME"] = "dev-2";
  EXPECT_EQ(Agent("cluster: {name: dev-0}", more)->cluster.name, "dev-2");
  EXPECT_EQ(Agent("cluster: {name: dev-0}", variables)->cluster.name, "dev-1");
}

TEST(AgentConfig, SplitsCentralsUrl) {
  const struct {
    const char* url;
    const char* host;  // empty: refused
    int port;
  } cases[] = {
      {"https://central.example:9090", "central.example", 9090},
      {"https://central.example:9090/", "central.example", 9090},
      {"central.example:9443", "central.example", 9443},
      {"central.example", "central.example", 9090},
      {"https://central.example", "central.example", 443},
      {"https://[::1]:9090", "::1", 9090},
      {"[::1]", "::1", 9090},
      {"127.0.0.1:1", "127.0.0.1", 1},
      {"http://central.example:9090", "", 0},
      {"https://central.example:9090/path", "", 0},
      {"https://user@central.example", "", 0},
      {"https://", "", 0},
      {"https://h:0", "", 0},
      {"https://h:65536", "", 0},
      {"https://h:", "", 0},
      {"[::1", "", 0},
      {"[::1]x:9090", "", 0},
  };
  for (const auto& c : cases) {
    const auto config =
        Agent("cluster: {name: dev}\ncentral: {token: t, url: '" + std::string(c.url) + "'}");
    ASSERT_EQ(config.has_value(), *c.host != '\0') << c.url;
    if (config) {
      EXPECT_EQ(config->central.host, c.host) << c.url;
      EXPECT_EQ(config->central.port, c.port) << c.url;
    } else {
      EXPECT_THAT(config.error().message, HasSubstr("agent.yaml: central.url")) << c.url;
    }
  }
}

TEST(AgentConfig, SaysWhatIsMissing) {
  EXPECT_THAT(Agent("").error().message,
              HasSubstr("central.url is not set: give it there or in CENTRAL_URL"));
  EXPECT_THAT(Agent("central: {url: 'h:1'}").error().message, HasSubstr("AGENT_TOKEN"));
  EXPECT_THAT(Agent("central: {url: 'h:1', token: t}").error().message, HasSubstr("CLUSTER_NAME"));
  EXPECT_THAT(Agent("central: {url: 'h:1', token: t}\ncluster: {name: Dev_1}").error().message,
              HasSubstr("cluster.name: \"Dev_1\" is not a cluster's name"));
  EXPECT_THAT(
      Agent("central:\n  tokn: x").error().message,
      HasSubstr("agent.yaml:2: unknown key \"central.tokn\"; did you mean \"central.token\"?"));
}

TEST(ReadConfigFile, NamesTheFileAndTheReason) {
  const auto missing = ReadConfigFile("/no/such/file.yaml");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such/file.yaml: No such file"));
  EXPECT_FALSE(ReadConfigFile("/"));
  EXPECT_EQ(*ReadConfigFile("/dev/null"), "");
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string_view> words = {"server.http_port", "server.grpc_port", "log.level"};
  EXPECT_EQ(Nearest("server.http_prt", words), "server.http_port");
  EXPECT_EQ(Nearest("server.port", words), "server.http_port");
  EXPECT_EQ(Nearest("log.lvl", words), "log.level");
  EXPECT_EQ(Nearest("colour", words), "");
  EXPECT_EQ(Nearest("", words), "");
}

}  // namespace
}  // namespace mk8s::config
