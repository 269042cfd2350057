// See kubeconfig.h.  The one file of the agent that knows yaml-cpp.
#include "agent/kubeconfig.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/yaml_depth.h"

namespace mk8s::agent {
namespace {

Error Bad(const std::string& file, const std::string& message) {
  return MakeError(ErrorCode::kInvalidArgument, "kubeconfig " + file + ": " + message);
}

Error NotDone(const std::string& file, const std::string& message) {
  return MakeError(ErrorCode::kUnimplemented, "kubeconfig " + file + ": " + message);
}

std::string Scalar(const YAML::Node& node, const char* key) {
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool Flag(const YAML::Node& node, const char* key) { return Scalar(node, key) == "true"; }

// The entry of a named list: clusters, users, contexts.
YAML::Node Entry(const YAML::Node& root, const char* list, const std::string& name,
                 const char* body) {
  const YAML::Node entries = root[list];
  if (!entries || !entries.IsSequence()) return YAML::Node(YAML::NodeType::Undefined);
  for (const YAML::Node& entry : entries) {
    if (entry.IsMap() && Scalar(entry, "name") == name) return entry[body];
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

// Reads one kubeconfig; members are what the parts share.
class Kubeconfig {
 public:
  Kubeconfig(YAML::Node root, std::string file) : root_(std::move(root)), file_(std::move(file)) {}

  Result<ClusterAccess> Access(const std::string& wanted_context) {
    if (!root_.IsMap()) return Bad(file_, "is not a kubeconfig");
    const std::string name =
        wanted_context.empty() ? Scalar(root_, "current-context") : wanted_context;
    if (name.empty()) return Bad(file_, "has no current-context; set kubernetes.context");
    const YAML::Node context = Entry(root_, "contexts", name, "context");
    if (!context || !context.IsMap()) return Bad(file_, "has no context \"" + name + "\"");
    const std::string cluster_name = Scalar(context, "cluster"),
                      user_name = Scalar(context, "user");
    const YAML::Node cluster = Entry(root_, "clusters", cluster_name, "cluster");
    if (!cluster || !cluster.IsMap()) return Bad(file_, "has no cluster \"" + cluster_name + "\"");
    MK8S_RETURN_IF_ERROR(ReadCluster(cluster));
    if (user_name.empty()) return std::move(access_);
    const YAML::Node user = Entry(root_, "users", user_name, "user");
    if (!user || user.IsNull()) return Bad(file_, "has no user \"" + user_name + "\"");
    MK8S_RETURN_IF_ERROR(ReadUser(user));
    return std::move(access_);
  }

 private:
  Result<void> ReadCluster(const YAML::Node& cluster) {
    MK8S_RETURN_IF_ERROR(ReadServer(Scalar(cluster, "server")));
    access_.insecure_skip_verify = Flag(cluster, "insecure-skip-tls-verify");
    access_.server_name = Scalar(cluster, "tls-server-name");
    if (access_.server_name.empty()) access_.server_name = access_.host;
    access_.proxy = Scalar(cluster, "proxy-url");
    if (!access_.proxy.empty() && !access_.proxy.starts_with("http://")) {
      return NotDone(file_, "proxy-url: only http:// proxies can be used");
    }
    MK8S_ASSIGN_OR_RETURN(access_.ca_pem, FileOrData(cluster, "certificate-authority"));
    return {};
  }

  Result<void> ReadServer(const std::string& server) {
    std::string_view rest = server;
    access_.tls = rest.starts_with("https://");
    if (!access_.tls && !rest.starts_with("http://")) {
      return Bad(file_, "server \"" + Printable(server, 200) + "\" is not an http(s) URL");
    }
    rest.remove_prefix(access_.tls ? 8 : 7);
    access_.port = access_.tls ? 443 : 80;
    const std::size_t slash = rest.find('/');
    if (slash != rest.npos) {
      access_.path_prefix = rest.substr(slash);
      rest = rest.substr(0, slash);
    }
    while (access_.path_prefix.ends_with('/')) access_.path_prefix.pop_back();
    const bool bracketed = rest.starts_with('[');
    const std::size_t close = bracketed ? rest.find(']') : 0;
    const std::size_t colon = close == rest.npos ? rest.npos : rest.find(':', close);
    const std::string_view host = rest.substr(0, colon);
    access_.host = bracketed && host.size() >= 2 ? host.substr(1, host.size() - 2) : host;
    if (colon != rest.npos) {
      const std::string_view digits = rest.substr(colon + 1);
      const char* end = digits.data() + digits.size();
      const auto parsed = std::from_chars(digits.data(), end, access_.port);
      if (parsed.ec != std::errc() || parsed.ptr != end) access_.host.clear();
    }
    if (access_.host.empty() || access_.host.find_first_of("@?# ") != std::string::npos) {
      return Bad(file_, "server \"" + Printable(server, 200) + "\" is not an http(s) URL");
    }
    return {};
  }

  Result<void> ReadUser(const YAML::Node& user) {
    if (!user.IsMap()) return {};  // `user: {}` of anonymous access
    if (user["username"] || user["password"]) {
      return NotDone(file_,
                     "basic authentication is not possible: kube-apiserver dropped it in 1.19");
    }
    if (user["auth-provider"]) {
      return NotDone(file_, "auth-provider was removed in Kubernetes 1.26: use an exec plugin");
    }
    if (user["as"]) return NotDone(file_, "\"as\" is not possible: the agent itself impersonates");
    MK8S_ASSIGN_OR_RETURN(access_.identity.chain_pem, FileOrData(user, "client-certificate"));
    MK8S_ASSIGN_OR_RETURN(std::string key, FileOrData(user, "client-key"));
    access_.identity.key_pem = Secret(std::move(key));
    if (access_.identity.chain_pem.empty() != access_.identity.key_pem.empty()) {
      return Bad(file_, "client-certificate and client-key go together");
    }
    access_.token = Secret(Scalar(user, "token"));
    access_.token_file = Resolve(Scalar(user, "tokenFile"));
    const YAML::Node exec = user["exec"];
    return exec && exec.IsMap() ? ReadExec(exec) : Result<void>();
  }

  Result<void> ReadExec(const YAML::Node& node) {
    ExecPlugin exec;
    exec.api_version = Scalar(node, "apiVersion");
    exec.command = Scalar(node, "command");
    exec.install_hint = Scalar(node, "installHint");
    exec.provide_cluster_info = Flag(node, "provideClusterInfo");
    if (exec.command.empty()) return Bad(file_, "exec: no command");
    if (exec.command.find('/') != std::string::npos) exec.command = Resolve(exec.command);
    if (exec.api_version != "client.authentication.k8s.io/v1" &&
        exec.api_version != "client.authentication.k8s.io/v1beta1") {
      return NotDone(file_, "exec: apiVersion \"" + Printable(exec.api_version, 80) +
                                "\" is not client.authentication.k8s.io/v1 or /v1beta1");
    }
    if (Scalar(node, "interactiveMode") == "Always") {
      return NotDone(file_,
                     "exec: interactiveMode Always needs a terminal, which an agent has not");
    }
    if (const YAML::Node args = node["args"]; args && args.IsSequence()) {
      for (const YAML::Node& arg : args) exec.args.push_back(arg.IsScalar() ? arg.Scalar() : "");
    }
    if (const YAML::Node env = node["env"]; env && env.IsSequence()) {
      for (const YAML::Node& variable : env) {
        if (!variable.IsMap()) return Bad(file_, "exec: env must be a list of name and value");
        exec.env.emplace_back(Scalar(variable, "name"), Scalar(variable, "value"));
      }
    }
    access_.exec = std::move(exec);
    return {};
  }

  // `key`-data in base64 wins over the file that `key` names, as in client-go.
  Result<std::string> FileOrData(const YAML::Node& node, const std::string& key) {
    const std::string data = Scalar(node, (key + "-data").c_str());
    if (!data.empty()) {
      std::string packed;  // YAML's folded text brings white space
      for (char c : data) {
        if (c != '\n' && c != ' ' && c != '\r') packed += c;
      }
      auto decoded = Base64Decode(packed);
      if (!decoded) return Bad(file_, key + "-data is not base64");
      return decoded;
    }
    const std::string path = Scalar(node, key.c_str());
    return path.empty() ? Result<std::string>(std::string()) : ReadSmallFile(Resolve(path), key);
  }

  std::string Resolve(const std::string& path) const {
    if (path.empty() || path.front() == '/') return path;
    return (std::filesystem::path(file_).parent_path() / path).string();
  }

  const YAML::Node root_;
  const std::string file_;
  ClusterAccess access_;
};

}  // namespace

std::string ClusterAccess::Authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::string> ReadSmallFile(const std::string& file, const std::string& what) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return MakeError(ErrorCode::kNotFound,
                     "cannot read " + what + " " + file + ": " + std::strerror(errno));
  }
  std::string text(limits::kConfigFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > limits::kConfigFileBytesMax) {
    return MakeError(ErrorCode::kTooLarge, what + " " + file + " is over 1 MiB");
  }
  return text;
}

Result<ClusterAccess> LoadKubeconfig(const std::string& file, const std::string& context) {
  MK8S_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(file, "kubeconfig"));
  return ParseKubeconfig(text, file, context);
}

Result<ClusterAccess> ParseKubeconfig(const std::string& text, const std::string& file,
                                      const std::string& context) {
  if (!YamlDepthWithin(text, limits::kYamlDepthMax)) return Bad(file, "is too deeply nested");
  try {
    return Kubeconfig(YAML::Load(text), file).Access(context);
  } catch (const YAML::Exception& exception) {
    return Bad(file, exception.what());
  }
}

Result<ClusterAccess> InClusterAccess(const config::Environment& environment,
                                      const std::string& dir) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("");
  ClusterAccess access;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), access.port);
  if (host.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size()) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "this is not a pod (no KUBERNETES_SERVICE_HOST and _PORT): set "
                     "kubernetes.kubeconfig or MK8S_KUBERNETES_KUBECONFIG");
  }
  access.host = access.server_name = host;
  access.token_file = dir + "/token";
  MK8S_ASSIGN_OR_RETURN(access.ca_pem, ReadSmallFile(dir + "/ca.crt", "the service account's CA"));
  return access;
}

}  // namespace mk8s::agent
