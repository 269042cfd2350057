// See cluster_client.h.
#include "agent/cluster_client.h"

namespace mk8s::agent {
namespace {

net::ClientPoolOptions PoolOptions(const Cluster& cluster) {
  const ClusterAccess& access = cluster.access();
  return {.target = {.host = access.host, .port = access.port, .proxy = access.proxy},
          .tls = cluster.tls(),
          .upgrade_tls = cluster.upgrade_tls()};
}

// Collects one small response.  Lives as long as its stream or its timer needs it.
class Collector : public http::ResponseEvents, public std::enable_shared_from_this<Collector> {
 public:
  Collector(std::size_t body_bytes_max, std::function<void(Result<Fetched>)> done)
      : body_bytes_max_(body_bytes_max), done_(std::move(done)) {}

  void Begin(std::shared_ptr<http::Stream> stream, net::Timer deadline) {
    stream_ = std::move(stream);
    deadline_ = std::move(deadline);
  }
  void TimedOut() {
    if (stream_) stream_->Reset(http::ResetReason::kCancel);
    Finish(MakeError(ErrorCode::kDeadlineExceeded, "no answer in time"));
  }

  void OnHead(http::ResponseHead head, bool end) override {
    fetched_.status = head.status;
    if (end) Finish(std::move(fetched_));
  }
  void OnBody(std::string_view bytes) override {
    if (stream_) stream_->Consume(bytes.size());
    if (fetched_.body.size() + bytes.size() > body_bytes_max_) {
      if (stream_) stream_->Reset(http::ResetReason::kCancel);
      return Finish(MakeError(ErrorCode::kTooLarge, "the answer is too large"));
    }
    fetched_.body.append(bytes);
  }
  void OnEnd(const http::Fields&) override { Finish(std::move(fetched_)); }
  void OnReset(http::ResetReason reason) override {
    Finish(MakeError(ErrorCode::kUnavailable, "no answer", std::string(Name(reason))));
  }
  void OnSent(std::size_t) override {}

 private:
  void Finish(Result<Fetched> result) {
    const auto self = shared_from_this();
    stream_.reset();
    deadline_.Cancel();
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  const std::size_t body_bytes_max_;
  std::function<void(Result<Fetched>)> done_;
  std::shared_ptr<http::Stream> stream_;
  net::Timer deadline_;
  Fetched fetched_;
};

}  // namespace

Cluster::Cluster(ClusterAccess access, const Clock& clock)
    : access_(std::move(access)), authority_(access_.Authority()), credential_(access_, clock) {}

Result<std::unique_ptr<Cluster>> Cluster::Open(ClusterAccess access, const Clock& clock) {
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(access), clock));
  if (!cluster->access_.tls) return cluster;
  MK8S_ASSIGN_OR_RETURN(auto tls, cluster->Context(/*upgrades=*/false));
  MK8S_ASSIGN_OR_RETURN(auto upgrade_tls, cluster->Context(/*upgrades=*/true));
  cluster->tls_ = std::make_shared<net::ReloadableTlsContext>(std::move(tls));
  cluster->upgrade_tls_ = std::make_shared<net::ReloadableTlsContext>(std::move(upgrade_tls));
  return cluster;
}

Result<std::shared_ptr<const net::TlsContext>> Cluster::Context(bool upgrades) const {
  net::ClientTlsOptions options;
  options.server_name = access_.server_name;
  options.ca_pem = access_.ca_pem;
  options.insecure_skip_verify = access_.insecure_skip_verify;
  options.identity = credential_.Current()->identity;
  if (!upgrades) options.alpn.emplace_back(net::kAlpnHttp2);
  options.alpn.emplace_back(net::kAlpnHttp1);
  return net::TlsContext::Client(options);
}

Result<void> Cluster::ReloadTls() {
  if (!tls_) return {};
  MK8S_ASSIGN_OR_RETURN(auto tls, Context(/*upgrades=*/false));
  MK8S_ASSIGN_OR_RETURN(auto upgrade_tls, Context(/*upgrades=*/true));
  tls_->Replace(std::move(tls));
  upgrade_tls_->Replace(std::move(upgrade_tls));
  return {};
}

ClusterClient::ClusterClient(net::Loop& loop, Cluster& cluster, std::function<void()> on_refused)
    : loop_(loop),
      cluster_(cluster),
      on_refused_(std::move(on_refused)),
      pool_(loop, PoolOptions(cluster)) {}

std::shared_ptr<http::Stream> ClusterClient::Send(const http::RequestHead& head, bool end,
                                                  std::shared_ptr<http::ResponseEvents> events) {
  const std::string& prefix = cluster_.access().path_prefix;
  if (prefix.empty()) return pool_.Send(head, end, std::move(events));
  http::RequestHead prefixed = head;
  prefixed.target.insert(0, prefix);
  return pool_.Send(prefixed, end, std::move(events));
}

gateway::ClusterCredential ClusterClient::credential() const {
  return {cluster_.credential().Current()->bearer, cluster_.authority()};
}

void Fetch(ClusterClient& client, const std::string& target, std::string_view accept,
           std::size_t body_bytes_max, std::chrono::milliseconds deadline,
           std::function<void(Result<Fetched>)> done) {
  const gateway::ClusterCredential credential = client.credential();
  http::RequestHead head{.method = "GET", .authority = credential.authority, .target = target};
  head.fields.Add("accept", accept);
  head.fields.Add("user-agent", "mk8s-agent/" MK8S_VERSION);
  if (!credential.bearer.empty()) {
    head.fields.Add("authorization", "Bearer " + credential.bearer.Reveal());
  }
  auto collector = std::make_shared<Collector>(body_bytes_max, std::move(done));
  collector->Begin(client.Send(head, /*end=*/true, collector),
                   client.loop().After(deadline, [collector] { collector->TimedOut(); }));
}

}  // namespace mk8s::agent
