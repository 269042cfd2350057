// See central.h.
#include "central/central.h"

#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/process.h"
#include "central/connection_shares.h"

namespace mk8s::central {
namespace {

// bcrypt and SQL: a login costs 250 ms of CPU, so more threads than cores would only queue
// elsewhere.
constexpr std::size_t kPoolThreads = 8;
constexpr std::uint64_t kTicksPerSightingFlush = 5;
constexpr std::uint64_t kTicksPerPrune = 3600;
constexpr std::chrono::hours kEndedSessionsKept{24 * 7};

std::string_view DriverName(config::DatabaseDriver driver) {
  return driver == config::DatabaseDriver::kSqlite ? "sqlite" : "postgres";
}

// Names for certificates of our own CA: what the configuration says and how one reaches this
// machine from itself.
std::vector<std::string> CertificateNames(const config::CentralConfig& config) {
  std::vector<std::string> names = config.server.external_names;
  const auto add = [&](std::string name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  };
  add("localhost");
  add("127.0.0.1");
  add("::1");
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0) add(host);
  return names;
}

net::ServerTlsOptions FrontTls(const net::TlsIdentity& identity) {
  return {.identity = identity,
          .alpn = {std::string(net::kAlpnHttp2), std::string(net::kAlpnHttp1)}};
}

// A client certificate is asked for, not required: Register comes without one.
net::ServerTlsOptions AgentTls(const net::TlsIdentity& identity, const std::string& ca_pem) {
  return {.identity = identity,
          .alpn = {std::string(net::kAlpnTunnel), std::string(net::kAlpnHttp2)},
          .client_ca_pem = ca_pem,
          .client_auth = net::ClientAuth::kOptional};
}

}  // namespace

Result<std::unique_ptr<Central>> Central::Start(config::CentralConfig config) {
  MK8S_RETURN_IF_ERROR(PrepareDataDir(config));
  const WallTime now = SystemClock().Now();
  MK8S_ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store,
                        store::OpenStore(DriverName(config.database.driver), config.database.url,
                                         config.database.connections_max));
  MK8S_ASSIGN_OR_RETURN(Keys keys, EnsureKeys(config, *store, now));
  MK8S_RETURN_IF_ERROR(EnsureAccounts(config, *store, now));
  MK8S_ASSIGN_OR_RETURN(const std::int64_t interrupted, store->MarkInterrupted(now));
  if (interrupted != 0) {
    log::Warn("requests of an earlier run never ended", {{"interrupted", interrupted}});
  }
  std::unique_ptr<Central> central(
      new Central(std::move(config), std::move(store), std::move(keys)));
  MK8S_RETURN_IF_ERROR(central->snapshots_.Reload());
  MK8S_RETURN_IF_ERROR(central->Listen());
  central->loops_.Start();
  return central;
}

Central::Central(config::CentralConfig config, std::unique_ptr<store::Store> store, Keys keys)
    : config_(std::move(config)),
      store_(std::move(store)),
      keys_(std::move(keys)),
      pool_(kPoolThreads),
      snapshots_(*store_, SystemClock()),
      audit_(*store_),
      authenticator_(keys_.signing_key, SystemClock(), snapshots_),
      tunnels_(SystemClock()),
      services_{.config = config_,
                .clock = SystemClock(),
                .store = *store_,
                .pool = pool_,
                .snapshots = snapshots_,
                .audit = audit_,
                .signing_key = keys_.signing_key,
                .continue_tokens = keys_.continue_tokens,
                .authenticator = authenticator_,
                .tunnels = tunnels_,
                .ca_pem = keys_.ca.certificate_pem()},
      loops_(static_cast<std::size_t>(config_.server.loops)),
      gateway_(services_, metrics_, loops_),
      exec_(services_, metrics_, loops_),
      rest_(services_),
      front_(services_, gateway_, exec_, rest_),
      agent_port_(services_, metrics_, loops_, keys_.ca, gateway_, exec_),
      diagnostics_(services_, metrics_) {
  snapshots_.AddListener([this](const std::shared_ptr<const Snapshot>& snapshot) {
    gateway_.Recheck(snapshot);
    exec_.Recheck(snapshot);
    agent_port_.Recheck(*snapshot);
  });
}

Central::~Central() {
  loops_.Stop();
  pool_.Stop();
}

Result<net::TlsIdentity> Central::ServerIdentity() const {
  if (!config_.tls.cert_file.empty()) {
    return net::TlsIdentity::FromFiles(config_.tls.cert_file, config_.tls.key_file);
  }
  MK8S_ASSIGN_OR_RETURN(pki::KeyPair made, keys_.ca.IssueServerCertificate(
                                               CertificateNames(config_),
                                               pki::kServerCertificateLife, SystemClock().Now()));
  return net::TlsIdentity{.chain_pem = std::move(made.certificate_pem),
                          .key_pem = std::move(made.key_pem)};
}

Result<void> Central::Listen() {
  MK8S_ASSIGN_OR_RETURN(const net::TlsIdentity identity, ServerIdentity());
  certificates_made_ = SystemClock().Now();
  MK8S_ASSIGN_OR_RETURN(auto front_tls, net::TlsContext::Server(FrontTls(identity)));
  MK8S_ASSIGN_OR_RETURN(auto agent_tls,
                        net::TlsContext::Server(AgentTls(identity, services_.ca_pem)));
  front_tls_ = std::make_shared<net::ReloadableTlsContext>(std::move(front_tls));
  agent_tls_ = std::make_shared<net::ReloadableTlsContext>(std::move(agent_tls));
  const std::string address =
      config_.server.bind_address.empty() ? "::" : config_.server.bind_address;
  MK8S_ASSIGN_OR_RETURN(
      const ConnectionShares shares,
      ShareDescriptors(DescriptorLimit(), loops_.size(),
                       static_cast<std::size_t>(config_.database.connections_max)));
  if (shares.front < limits::kFrontConnectionsMax) {
    log::Warn("the limit of open files bounds the connections",
              {{"users", shares.front}, {"agents", shares.agents}});
  }
  MK8S_RETURN_IF_ERROR(front_.Listen(loops_, address, config_.server.http_port,
                                     config_.tls.enabled ? front_tls_ : nullptr, shares.front));
  MK8S_RETURN_IF_ERROR(
      agent_port_.Listen(address, config_.server.grpc_port, agent_tls_, shares.agents));
  return diagnostics_.Listen(loops_, address, config_.server.diagnostics_port);
}

void Central::ReloadCertificates() {
  const auto reload = [this]() -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(const net::TlsIdentity identity, ServerIdentity());
    MK8S_ASSIGN_OR_RETURN(auto front_tls, net::TlsContext::Server(FrontTls(identity)));
    MK8S_ASSIGN_OR_RETURN(auto agent_tls,
                          net::TlsContext::Server(AgentTls(identity, services_.ca_pem)));
    front_tls_->Replace(std::move(front_tls));
    agent_tls_->Replace(std::move(agent_tls));
    certificates_made_ = SystemClock().Now();
    return {};
  };
  if (const Result<void> reloaded = reload(); reloaded) {
    log::Info("certificates reloaded");
  } else {
    log::Err("certificates not reloaded; the old ones stay", {{"error", reloaded.error()}});
  }
}

void Central::Tick() {
  ++ticks_;
  if (const Result<void> loaded = snapshots_.ReloadIfChanged(); !loaded) {
    log::Warn("cannot read the database; the last known state stays in force",
              {{"error", loaded.error()}});
  }
  if (ticks_ % static_cast<std::uint64_t>(limits::kRecheckInterval.count()) == 0) {
    gateway_.Recheck(snapshots_.Current());
    exec_.Recheck(snapshots_.Current());
  }
  if (ticks_ % kTicksPerSightingFlush == 0) FlushSightings();
  const WallTime now = SystemClock().Now();
  if (ticks_ % kTicksPerPrune == 0) {
    if (const auto pruned = store_->Prune(now - kEndedSessionsKept); !pruned) {
      log::Warn("cannot forget ended sessions", {{"error", pruned.error()}});
    }
  }
  if (config_.tls.cert_file.empty() &&
      now - certificates_made_ > pki::kServerCertificateLife * 2 / 3) {
    ReloadCertificates();
  }
}

void Central::FlushSightings() {
  std::vector<store::ClusterSighting> sightings;
  for (Tunnels::Sighting& seen : tunnels_.TakeSightings()) {
    sightings.push_back({.cluster_id = std::move(seen.cluster_id),
                         .connected = seen.state.connected,
                         .seen_at = seen.state.last_seen.value_or(SystemClock().Now()),
                         .metadata = seen.state.metadata.value_or(ClusterMetadata{})});
  }
  if (sightings.empty()) return;
  if (const Result<void> written = store_->RecordSightings(sightings); !written) {
    log::Warn("cannot record which clusters are connected", {{"error", written.error()}});
  }
}

void Central::Drain() {
  diagnostics_.SetDraining();
  front_.listener().Drain(limits::kShutdownGrace);
  front_.listener().WaitUntilClosed(limits::kShutdownGrace + std::chrono::seconds(1));
  agent_port_.listener().Drain(std::chrono::milliseconds(0));
  agent_port_.listener().WaitUntilClosed(std::chrono::seconds(1));
  FlushSightings();
}

std::string Central::ReadyJson() {
  const auto url = [](std::string_view scheme, const std::string& endpoint) {
    return "\"" + std::string(scheme) + endpoint + "\"";
  };
  return "{\"http\":" +
         url(config_.tls.enabled ? "https://" : "http://", front_.listener().local_endpoint()) +
         ",\"grpc\":" + url("", agent_port_.listener().local_endpoint()) +
         ",\"diagnostics\":" + url("http://", diagnostics_.listener().local_endpoint()) +
         ",\"ca_file\":" + log::JsonString(config_.server.data_dir + "/ca.crt") + "}\n";
}

}  // namespace mk8s::central
