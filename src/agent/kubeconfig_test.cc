// Kubeconfigs and pods: what is understood, and what is refused with the reason.
#include "agent/kubeconfig.h"

#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "base/limits.h"

namespace mk8s::agent {
namespace {

using testing::HasSubstr;

// A folder of its own for a test's files.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "kubeconfigXXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A kubeconfig with the given bodies of its one cluster and user.
std::string Config(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "clusters: [{name: c, cluster: " +
         cluster +
         "}]\n"
         "users: [{name: u, user: " +
         user +
         "}]\n"
         "contexts: [{name: here, context: {cluster: c, user: u}},\n"
         "           {name: nobody, context: {cluster: c}},\n"
         "           {name: stray, context: {cluster: other, user: u}}]\n";
}

TEST(Kubeconfig, ReadsServers) {
  const struct {
    const char* server;
    bool tls;
    const char* host;
    int port;
    const char* prefix;
    const char* authority;
  } cases[] = {
      {"https://10.0.0.1:6443", true, "10.0.0.1", 6443, "", "10.0.0.1:6443"},
      {"https://api.example", true, "api.example", 443, "", "api.example:443"},
      {"https://api.example/", true, "api.example", 443, "", "api.example:443"},
      {"https://r.example/k8s/clusters/c-1/", true, "r.example", 443, "/k8s/clusters/c-1",
       "r.example:443"},
      {"https://[fd00::1]:6443", true, "fd00::1", 6443, "", "[fd00::1]:6443"},
      {"http://127.0.0.1:8001", false, "127.0.0.1", 8001, "", "127.0.0.1:8001"},
  };
  for (const auto& c : cases) {
    const auto access =
        ParseKubeconfig(Config("{server: '" + std::string(c.server) + "'}", "{}"), "f", "");
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(access->tls, c.tls) << c.server;
    EXPECT_EQ(access->host, c.host) << c.server;
    EXPECT_EQ(access->server_name, c.host) << c.server;
    EXPECT_EQ(access->port, c.port) << c.server;
    EXPECT_EQ(access->path_prefix, c.prefix) << c.server;
    EXPECT_EQ(access->Authority(), c.authority) << c.server;
  }
}

TEST(Kubeconfig, ReadsCredentialsInline) {
  const auto access = ParseKubeconfig(
      Config("{server: 'https://a:1', certificate-authority-data: " + Base64Encode("CA") +
                 ", tls-server-name: kubernetes, proxy-url: 'http://proxy:3128'}",
             "{client-certificate-data: " + Base64Encode("CERT") +
                 ", client-key-data: " + Base64Encode("KEY") + ", token: abc}"),
      "f", "here");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->ca_pem, "CA");
  EXPECT_EQ(access->server_name, "kubernetes");
  EXPECT_EQ(access->proxy, "http://proxy:3128");
  EXPECT_EQ(access->identity.chain_pem, "CERT");
  EXPECT_EQ(access->identity.key_pem.Reveal(), "KEY");
  EXPECT_EQ(access->token.Reveal(), "abc");
  EXPECT_FALSE(access->insecure_skip_verify);
}

TEST(Kubeconfig, ReadsFilesBesideItself) {
  const Folder folder;
  folder.Write("ca.crt", "CA");
  folder.Write("me.crt", "CERT");
  folder.Write("me.key", "KEY");
  const std::string file = folder.Write(
      "config", Config("{server: 'https://a:1', certificate-authority: ca.crt}",
                       "{client-certificate: " + folder.path() +
                           "/me.crt, client-key: me.key, tokenFile: tokens/t,\n"
                           " exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin,"
                           " args: [a, b], env: [{name: N, value: V}], provideClusterInfo: true,"
                           " interactiveMode: Never, installHint: get it}}"));
  const auto access = LoadKubeconfig(file, "");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->ca_pem, "CA");
  EXPECT_EQ(access->identity.chain_pem, "CERT");
  EXPECT_EQ(access->token_file, folder.path() + "/tokens/t");
  ASSERT_TRUE(access->exec);
  EXPECT_EQ(access->exec->command, folder.path() + "/./plugin");
  EXPECT_THAT(access->exec->args, testing::ElementsAre("a", "b"));
  EXPECT_THAT(access->exec->env, testing::ElementsAre(testing::Pair("N", "V")));
  EXPECT_TRUE(access->exec->provide_cluster_info);
  EXPECT_EQ(access->exec->install_hint, "get it");
}

TEST(Kubeconfig, TakesTheContextAskedFor) {
  const std::string text = Config("{server: 'https://a:1'}", "{token: abc}");
  EXPECT_EQ(ParseKubeconfig(text, "f", "")->token.Reveal(), "abc");
  EXPECT_TRUE(ParseKubeconfig(text, "f", "nobody")->token.empty());
}

TEST(Kubeconfig, RefusesWithTheReason) {
  const std::string server = "{server: 'https://a:1'}";
  const auto exec = [&](const std::string& body) { return Config(server, "{exec: " + body + "}"); };
  const struct {
    const char* what;
    std::string text;
    const char* context;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {"no YAML", "a: [", "", ErrorCode::kInvalidArgument, "kubeconfig f: yaml-cpp"},
      {"not a map", "- a", "", ErrorCode::kInvalidArgument, "is not a kubeconfig"},
      {"empty", "", "", ErrorCode::kInvalidArgument, "is not a kubeconfig"},
      {"deep", std::string(100'000, '['), "", ErrorCode::kInvalidArgument, "too deeply nested"},
      {"no context", "clusters: []", "", ErrorCode::kInvalidArgument,
       "has no current-context; set kubernetes.context"},
      {"unknown context", Config(server, "{}"), "x", ErrorCode::kInvalidArgument,
       "has no context \"x\""},
      {"unknown cluster", Config(server, "{}"), "stray", ErrorCode::kInvalidArgument,
       "has no cluster \"other\""},
      {"no server", Config("{a: b}", "{}"), "", ErrorCode::kInvalidArgument,
       "is not an http(s) URL"},
      {"a server without scheme", Config("{server: 'a:1'}", "{}"), "", ErrorCode::kInvalidArgument,
       "is not an http(s) URL"},
      {"a bad port", Config("{server: 'https://a:x'}", "{}"), "", ErrorCode::kInvalidArgument,
       "is not an http(s) URL"},
      {"credentials in the server", Config("{server: 'https://u:p@a'}", "{}"), "",
       ErrorCode::kInvalidArgument, "is not an http(s) URL"},
      {"a SOCKS proxy", Config("{server: 'https://a:1', proxy-url: 'socks5://p:1'}", "{}"), "",
       ErrorCode::kUnimplemented, "proxy-url"},
      {"bad base64", Config("{server: 'https://a:1', certificate-authority-data: '*'}", "{}"), "",
       ErrorCode::kInvalidArgument, "certificate-authority-data is not base64"},
      {"a missing file", Config("{server: 'https://a:1', certificate-authority: /no/ca}", "{}"), "",
       ErrorCode::kNotFound, "cannot read certificate-authority /no/ca: No such file"},
      {"a certificate without key", Config(server, "{client-certificate-data: QQ==}"), "",
       ErrorCode::kInvalidArgument, "go together"},
      {"basic authentication", Config(server, "{username: a, password: b}"), "",
       ErrorCode::kUnimplemented, "basic authentication"},
      {"auth-provider", Config(server, "{auth-provider: {name: gcp}}"), "",
       ErrorCode::kUnimplemented, "exec plugin"},
      {"impersonation", Config(server, "{as: bob}"), "", ErrorCode::kUnimplemented, "impersonates"},
      {"an old plugin API", exec("{apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
       "", ErrorCode::kUnimplemented, "v1alpha1"},
      {"a plugin without command", exec("{apiVersion: client.authentication.k8s.io/v1}"), "",
       ErrorCode::kInvalidArgument, "no command"},
      {"a plugin that asks",
       exec("{apiVersion: client.authentication.k8s.io/v1, command: x, "
            "interactiveMode: Always}"),
       "", ErrorCode::kUnimplemented, "terminal"},
  };
  for (const auto& c : cases) {
    const auto access = ParseKubeconfig(c.text, "f", c.context);
    ASSERT_FALSE(access) << c.what;
    EXPECT_EQ(access.error().code, c.code) << c.what;
    EXPECT_THAT(access.error().message, HasSubstr(c.message)) << c.what;
  }
  EXPECT_EQ(LoadKubeconfig("/no/such", "").error().code, ErrorCode::kNotFound);
}

TEST(InCluster, NeedsAPod) {
  const Folder folder;
  folder.Write("ca.crt", "CA");
  const auto pod = config::FixedEnvironment(
      {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
  const auto access = InClusterAccess(pod, folder.path());
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->Authority(), "10.96.0.1:443");
  EXPECT_EQ(access->ca_pem, "CA");
  EXPECT_EQ(access->token_file, folder.path() + "/token");
  EXPECT_FALSE(InClusterAccess(pod, "/no/such"));
  const auto nowhere = InClusterAccess(config::FixedEnvironment({}), folder.path());
  EXPECT_EQ(nowhere.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(nowhere.error().message, HasSubstr("kubernetes.kubeconfig"));
}

}  // namespace
}  // namespace mk8s::agent
