// See exec_plugin.h.
#include "agent/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <thread>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/text.h"

extern char** environ;

namespace mk8s::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kOutputBytesMax = 1024 * 1024;
constexpr std::size_t kStderrBytesMax = 2 * 1024;  // for the log

Error Failed(const ExecPlugin& plugin, const std::string& message) {
  std::string text = "credential plugin " + plugin.command + ": " + message;
  if (!plugin.install_hint.empty()) text += "; " + Printable(plugin.install_hint, 500);
  return MakeError(ErrorCode::kFailedPrecondition, std::move(text));
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void Own(int fd) { fd_ = fd; }
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read, write;
  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.Own(ends[0]);
    write.Own(ends[1]);
    return true;
  }
};

std::vector<std::string> EnvironmentFor(const ClusterAccess& access) {
  std::vector<std::string> variables;
  const auto replaced = [&access](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('='));
    return name == "KUBERNETES_EXEC_INFO" ||
           std::any_of(access.exec->env.begin(), access.exec->env.end(),
                       [name](const auto& own) { return own.first == name; });
  };
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!replaced(*variable)) variables.emplace_back(*variable);
  }
  for (const auto& [name, value] : access.exec->env) variables.push_back(name + "=" + value);
  variables.push_back("KUBERNETES_EXEC_INFO=" + ExecInfo(access));
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Starts the plugin in a process group of its own with an empty signal mask.  0 or an errno.
int Spawn(const ClusterAccess& access, const Pipe& out, const Pipe& err, pid_t* pid) {
  std::vector<std::string> argv_texts = {access.exec->command};
  argv_texts.insert(argv_texts.end(), access.exec->args.begin(), access.exec->args.end());
  std::vector<std::string> environment = EnvironmentFor(access);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  const int failure = ::posix_spawnp(pid, access.exec->command.c_str(), &actions, &attributes,
                                     Pointers(argv_texts).data(), Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

struct Output {
  std::string out, err;
  bool in_time = true;
};

// Reads both pipes to their ends, at most until `until`.
Output Drain(const Pipe& out, const Pipe& err, MonotonicTime until) {
  Output output;
  pollfd polled[2] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
  std::string* texts[2] = {&output.out, &output.err};
  const std::size_t bounds[2] = {kOutputBytesMax, kStderrBytesMax};
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      output.in_time = false;
      break;
    }
    if (::poll(polled, 2, static_cast<int>(left.count())) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      char bytes[4096];
      const ssize_t count = ::read(polled[i].fd, bytes, sizeof(bytes));
      if (count <= 0) {
        polled[i].fd = -1;
      } else if (texts[i]->size() < bounds[i]) {
        texts[i]->append(bytes, static_cast<std::size_t>(count));
      }
    }
  }
  return output;
}

// Waits for the plugin's end, which may come later than that of its output.  False at `until`.
bool Exited(pid_t pid, MonotonicTime until, int* status) {
  while (true) {
    const pid_t ended = ::waitpid(pid, status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

const json::value* Member(const json::object& object, std::string_view name, json::kind kind) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->kind() == kind ? value : nullptr;
}

std::string Text(const json::object& object, std::string_view name) {
  const json::value* value = Member(object, name, json::kind::string);
  return value == nullptr ? std::string() : std::string(value->get_string());
}

}  // namespace

std::string ExecInfo(const ClusterAccess& access) {
  json::object spec{{"interactive", false}};
  if (access.exec->provide_cluster_info) {
    json::object cluster{
        {"server", (access.tls ? "https://" : "http://") + access.Authority() + access.path_prefix},
        {"tls-server-name", access.server_name},
        {"insecure-skip-tls-verify", access.insecure_skip_verify}};
    if (!access.ca_pem.empty()) {
      cluster["certificate-authority-data"] = Base64Encode(access.ca_pem);
    }
    spec["cluster"] = std::move(cluster);
  }
  return json::serialize(json::object{{"apiVersion", access.exec->api_version},
                                      {"kind", "ExecCredential"},
                                      {"spec", std::move(spec)}});
}

Result<KubeCredential> ParseExecCredential(std::string_view text) {
  const auto bad = [](const char* reason) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     std::string("the plugin did not print an ExecCredential: ") + reason);
  };
  json::error_code error;
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  const json::value root = json::parse(text, error, {}, options);
  if (error || !root.is_object()) return bad("not JSON");
  const json::value* status = Member(root.get_object(), "status", json::kind::object);
  if (Text(root.get_object(), "kind") != "ExecCredential" || status == nullptr) {
    return bad("no status");
  }
  const json::object& fields = status->get_object();
  KubeCredential credential;
  credential.bearer = Secret(Text(fields, "token"));
  credential.identity.chain_pem = Text(fields, "clientCertificateData");
  credential.identity.key_pem = Secret(Text(fields, "clientKeyData"));
  if (credential.identity.chain_pem.empty() != credential.identity.key_pem.empty()) {
    return bad("a certificate without its key");
  }
  if (credential.bearer.empty() && credential.identity.chain_pem.empty()) {
    return bad("neither token nor certificate");
  }
  if (const std::string end = Text(fields, "expirationTimestamp"); !end.empty()) {
    const auto time = ParseTime(end);
    if (!time) return bad("expirationTimestamp is not a time");
    credential.expires_at = *time;
  }
  return credential;
}

Result<KubeCredential> RunExecPlugin(const ClusterAccess& access,
                                     std::chrono::milliseconds deadline) {
  const ExecPlugin& plugin = *access.exec;
  Pipe out, err;
  pid_t pid = 0;
  if (!out.Open() || !err.Open()) return Failed(plugin, std::strerror(errno));
  if (const int failure = Spawn(access, out, err, &pid); failure != 0) {
    return Failed(plugin, std::string("cannot run: ") + std::strerror(failure));
  }
  out.write.Close();
  err.write.Close();
  const MonotonicTime until = std::chrono::steady_clock::now() + deadline;
  const Output output = Drain(out, err, until);
  int status = 0;
  if (!output.in_time || !Exited(pid, until, &status)) {
    ::kill(-pid, SIGKILL);
    Exited(pid, MonotonicTime::max(), &status);
    return MakeError(
        ErrorCode::kDeadlineExceeded,
        "credential plugin " + plugin.command + ": no answer after " + FormatDuration(deadline));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string how = WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status))
                                              : "signal " + std::to_string(WTERMSIG(status));
    return Failed(plugin, how + ": " + Printable(TrimSpace(output.err), 500));
  }
  auto credential = ParseExecCredential(output.out);
  if (!credential) return Failed(plugin, credential.error().message);
  return credential;
}

}  // namespace mk8s::agent
