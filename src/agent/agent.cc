// See agent.h.
#include "agent/agent.h"

#include <cstdlib>
#include <thread>

#include "base/limits.h"
#include "base/log.h"

namespace mk8s::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLoopsMax = limits::kTunnelConnectionsMax;
constexpr std::size_t kPoolThreads = 2;
constexpr std::size_t kCommandPoolThreads = 2;
constexpr seconds kRefreshRetry{10};
// A wrong credential is refused with each request; it is fetched anew at most this often.
constexpr milliseconds kRefusedMin{5'000};

std::size_t LoopCount() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kLoopsMax);
}

net::DialTarget CentralTarget(const config::AgentConfig& config) {
  return {.host = config.central.host,
          .port = config.central.port,
          .proxy = net::ProxyFromEnvironment(config.central.host)};
}

Result<ClusterAccess> AccessFor(const config::AgentConfig& config) {
  if (config.kubernetes.kubeconfig.empty()) return InClusterAccess(config::ProcessEnvironment());
  return LoadKubeconfig(config.kubernetes.kubeconfig, config.kubernetes.context);
}

// How commands beside this agent are confined, or why there are none.
void FindSandbox(const config::AgentConfig& config, command::Shared& commands) {
  std::string why_not;
  commands.level = sandbox::Probe(why_not);
  const std::string level(sandbox::Name(commands.level));
  if (config.exec.require_sandbox && !sandbox::HasNamespaces(commands.level)) {
    commands.refusal =
        "The cluster's mk8s-agent has exec.require_sandbox set, and its kernel gives commands no "
        "namespaces of their own; install kubectl on your machine and run mk8s kubectl.";
    return log::Warn("commands beside the agent are refused: exec.require_sandbox",
                     {{"sandbox", level}, {"why_not_more", why_not}});
  }
  log::Info("commands beside the agent", {{"sandbox", level}, {"why_not_more", why_not}});
}

std::string Path() {
  const char* path = std::getenv("PATH");
  return path == nullptr ? std::string() : path;
}

}  // namespace

Agent::Worker::Worker(Agent& of, net::Loop& on)
    : loop(on),
      agent(of),
      client(on, *of.cluster_, [&of] { of.RefreshCredential(/*refused=*/true); }),
      central(on, of.central_, of.asking_tls_),
      surroundings{on, of.command_pool_, central, *of.commands_},
      commands(surroundings),
      handler(client, of.config_.cluster.name, service, of.status_,
              [&of] { of.loops_.at(0).Post([&of] { of.OnFirstRequest(); }); }) {
  commands.AddTo(service);
}

void Agent::Worker::AddTunnels(std::size_t count) {
  while (tunnels.size() < count) {
    tunnels.push_back(std::make_unique<TunnelConnection>(
        loop, agent.central_, handler, agent.status_,
        [&of = agent] { of.loops_.at(0).Post([&of] { of.control_->TunnelLost(); }); }));
  }
}

void Agent::Worker::StartTunnels(const std::shared_ptr<const net::TlsContext>& tls) {
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    if (agent.status_.used || Keeps(i)) {
      tunnels[i]->Start(tls);
    } else {
      tunnels[i]->Pause();
    }
  }
}

void Agent::Worker::ResumeTunnels(const std::shared_ptr<const net::TlsContext>& tls) {
  for (const auto& tunnel : tunnels) tunnel->Resume(tls);
}

void Agent::Worker::CloseIdleTunnels() {
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    if (!Keeps(i)) tunnels[i]->PauseIfIdle();
  }
}

Result<std::unique_ptr<Agent>> Agent::Start(config::AgentConfig config) {
  MK8S_ASSIGN_OR_RETURN(Parts parts, MakeParts(config));
  std::unique_ptr<Agent> agent(new Agent(std::move(config), std::move(parts)));
  MK8S_RETURN_IF_ERROR(agent->Listen());
  log::Info("agent starts", {{"version", MK8S_VERSION},
                             {"cluster", agent->config_.cluster.name},
                             {"central", agent->central_.ToString()},
                             {"api_server", agent->cluster_->authority()}});
  if (agent->config_.tls.insecure) {
    log::Warn("tls.insecure is set: central's certificate is not verified");
  }
  agent->refreshing_ = true;
  agent->RefreshBlocking(/*refused=*/false);
  agent->loops_.at(0).Post(
      [raw = agent.get()] { raw->facts_->Start([raw] { raw->control_->Start(); }); });
  agent->loops_.Start();
  return agent;
}

Result<Agent::Parts> Agent::MakeParts(const config::AgentConfig& config) {
  MK8S_ASSIGN_OR_RETURN(CentralTls central_tls, CentralTls::Make(config));
  MK8S_ASSIGN_OR_RETURN(auto asking, central_tls.Context({}, net::kAlpnHttp2));
  MK8S_ASSIGN_OR_RETURN(ClusterAccess access, AccessFor(config));
  MK8S_ASSIGN_OR_RETURN(auto cluster, Cluster::Open(std::move(access), SystemClock()));
  MK8S_ASSIGN_OR_RETURN(command::EndpointTls endpoint_tls, command::EndpointTls::Make());
  auto commands = std::make_unique<command::Shared>(
      command::KubectlPlaces{.path = config.agent.kubectl_path, .search_path = Path()},
      config.cluster.name, std::move(endpoint_tls));
  FindSandbox(config, *commands);
  return Parts{.central_tls = std::move(central_tls),
               .asking_tls = std::make_shared<net::ReloadableTlsContext>(std::move(asking)),
               .cluster = std::move(cluster),
               .commands = std::move(commands)};
}

Agent::Agent(config::AgentConfig config, Parts parts)
    : config_(std::move(config)),
      central_tls_(std::move(parts.central_tls)),
      central_(CentralTarget(config_)),
      asking_tls_(std::move(parts.asking_tls)),
      cluster_(std::move(parts.cluster)),
      commands_(std::move(parts.commands)),
      loops_(LoopCount()),
      pool_(kPoolThreads),
      command_pool_(kCommandPoolThreads),
      diagnostics_([this] { return NotReadyBecause(status_); },
                   [this] { return MetricsText(status_, commands_->counters); }) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, loops_.at(i)));
  }
  facts_ = std::make_unique<ClusterFacts>(workers_.front()->client, status_, *commands_);
  ControlEvents events{
      .on_registered =
          [this](const Registration& registration, const net::TlsIdentity& identity) {
            OnRegistered(registration, identity);
          },
      .on_renewed = [this](const net::TlsIdentity& identity) { OnRenewed(identity); },
      .on_refused = [this] { OnRefused(); }};
  control_ = std::make_unique<Control>(loops_.at(0), config_, central_tls_, central_, *facts_,
                                       status_, std::move(events));
}

Agent::~Agent() {
  pool_.Stop();
  command_pool_.Stop();
  loops_.Stop();
}

Result<void> Agent::Listen() {
  const std::string& address = config_.agent.bind_address;
  return diagnostics_.Listen(loops_, address.empty() ? "::" : address,
                             config_.agent.diagnostics_port);
}

void Agent::OnEachWorker(const std::function<void(Worker&)>& call) {
  for (const auto& worker : workers_) {
    worker->loop.Post([raw = worker.get(), call] { call(*raw); });
  }
}

// At least one connection for each of our loops, and as many as central wants for its own.
void Agent::OnRegistered(const Registration& registration, const net::TlsIdentity& identity) {
  const auto tls = central_tls_.Context(identity, net::kAlpnTunnel);
  if (!tls) return log::Err("cannot use the agent's certificate", {{"error", tls.error()}});
  UseForCommands(identity);
  tunnel_tls_ = *tls;
  const std::size_t loops = workers_.size();
  const std::size_t total = std::max(registration.tunnel_connections, loops);
  OnEachWorker([tls = *tls, total, loops](Worker& worker) {
    worker.AddTunnels(total / loops + (worker.loop.index() < total % loops ? 1 : 0));
    worker.StartTunnels(tls);
  });
}

void Agent::OnRenewed(const net::TlsIdentity& identity) {
  const auto tls = central_tls_.Context(identity, net::kAlpnTunnel);
  if (!tls) return log::Err("cannot use the renewed certificate", {{"error", tls.error()}});
  tunnel_tls_ = *tls;
  const bool idle = !status_.used.exchange(false);
  OnEachWorker([tls = *tls, idle](Worker& worker) {
    for (const auto& tunnel : worker.tunnels) tunnel->Use(tls);
    if (idle) worker.CloseIdleTunnels();
  });
  UseForCommands(identity);
}

void Agent::UseForCommands(const net::TlsIdentity& identity) {
  auto tls = central_tls_.Context(identity, net::kAlpnHttp2);
  if (!tls) return log::Err("cannot use the agent's certificate", {{"error", tls.error()}});
  asking_tls_->Replace(*std::move(tls));
  OnEachWorker([](Worker& worker) { worker.central.Renew(); });
}

void Agent::OnRefused() {
  tunnel_tls_ = nullptr;
  OnEachWorker([](Worker& worker) {
    for (const auto& tunnel : worker.tunnels) tunnel->Pause();
  });
}

void Agent::OnFirstRequest() {
  if (!tunnel_tls_) return;  // with the next registration, then
  OnEachWorker([tls = tunnel_tls_](Worker& worker) { worker.ResumeTunnels(tls); });
}

// Any thread.
void Agent::RefreshCredential(bool refused) {
  if (refused) {
    const auto now_ms =
        std::chrono::duration_cast<milliseconds>(SystemClock().Monotonic().time_since_epoch())
            .count();
    std::int64_t before_ms = refused_at_ms_.load();
    if (now_ms - before_ms < kRefusedMin.count() ||
        !refused_at_ms_.compare_exchange_strong(before_ms, now_ms)) {
      return;
    }
    log::Warn("the API server refuses the agent's credential; it is fetched again",
              {{"api_server", cluster_->authority()}});
  }
  if (refreshing_.exchange(true)) return;
  if (!pool_.Submit([this, refused] { RefreshBlocking(refused); })) refreshing_ = false;
}

// On the pool.
void Agent::RefreshBlocking(bool refused) {
  Result<bool> other_certificate = cluster_->credential().Refresh(refused);
  if (other_certificate && *other_certificate) {
    if (const auto reloaded = cluster_->ReloadTls(); !reloaded) {
      other_certificate = reloaded.error();
    } else {
      OnEachWorker([](Worker& worker) { worker.client.Renew(); });
    }
  }
  if (!other_certificate) {
    Count(status_.credential_failures);
    log::Warn(
        "cannot get a credential for the API server",
        {{"error", other_certificate.error()}, {"next_attempt_in", FormatDuration(kRefreshRetry)}});
  }
  refreshing_ = false;
  loops_.at(0).Post([this, failed = !other_certificate] { ScheduleRefresh(failed); });
}

void Agent::ScheduleRefresh(bool failed) {
  if (status_.draining) return;
  const auto delay =
      failed ? std::optional<milliseconds>(kRefreshRetry) : cluster_->credential().RefreshIn();
  if (!delay) return;
  refresh_timer_ = loops_.at(0).After(*delay, [this] { RefreshCredential(/*refused=*/false); });
}

bool Agent::Ready() const { return NotReadyBecause(status_).empty() && status_.api_server_answers; }

std::string Agent::ReadyJson() const {
  return "{\"cluster\":" + log::JsonString(config_.cluster.name) + ",\"diagnostics\":" +
         log::JsonString("http://" + diagnostics_.listener().local_endpoint()) + "}\n";
}

void Agent::Drain() {
  status_.draining = true;
  loops_.at(0).Post([this] {
    control_->Stop();
    facts_->Stop();
    refresh_timer_.Cancel();
  });
  OnEachWorker([](Worker& worker) {
    for (const auto& tunnel : worker.tunnels) tunnel->Drain(limits::kShutdownGrace);
  });
  const auto until = std::chrono::steady_clock::now() + limits::kShutdownGrace + seconds(1);
  while (status_.tunnels_open > 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(20));
  }
}

}  // namespace mk8s::agent
