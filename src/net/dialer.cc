// Resolve, connect, CONNECT through a proxy, TLS handshake: one Dialing object goes through the
// steps and then gives its socket to a connection.
#include "net/dialer.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "net/connection_internal.h"
#include "net/proxy_internal.h"
#include "net/socket_internal.h"
#include "net/work_pool.h"

namespace mk8s::net {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kResolverThreads = 4;
constexpr std::size_t kAddressesMax = 8;
// Every address gets at least this of the deadline, even when many are to be tried.
constexpr milliseconds kAttemptMin{250};

/// getaddrinfo blocks for as long as the name servers make it.  Never destroyed: a thread stuck in
/// it must not hold up the exit.
WorkPool& ResolverPool() {
  static auto* const pool = new WorkPool(kResolverThreads);
  return *pool;
}

Result<std::vector<SocketAddress>> Resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failed != 0) {
    return MakeError(ErrorCode::kUnavailable, "cannot resolve " + host + ": " +
                                                  gai_strerror(failed) +
                                                  "; check the name and the DNS of this machine");
  }
  std::vector<SocketAddress> addresses;
  for (addrinfo* one = list; one && addresses.size() < kAddressesMax; one = one->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.length = one->ai_addrlen;
    addresses.push_back(address);
  }
  freeaddrinfo(list);
  return addresses;
}

class Dialing final : public Descriptor, public std::enable_shared_from_this<Dialing> {
 public:
  Dialing(Loop& loop, DialTarget target, std::shared_ptr<const TlsContext> tls,
          milliseconds deadline, OnDialed on_dialed)
      : loop_(loop),
        target_(std::move(target)),
        tls_(std::move(tls)),
        due_(std::chrono::steady_clock::now() + deadline),
        on_dialed_(std::move(on_dialed)) {}
  ~Dialing() override {
    if (fd_ >= 0) close(fd_);
  }

  void Start();
  void OnReady(Readiness ready) override;
  void OnLoopStopped() override { Finish(MakeError(ErrorCode::kCancelled, "the program stops")); }

 private:
  enum class Step { kResolve, kConnect, kProxy, kHandshake, kDone };

  void StartResolving();
  void TryNext();
  bool TryConnect(const SocketAddress& address);
  void AttemptFailed(const std::string& why);
  void Connected();
  void StartHandshake();
  void OnDeadline();
  void DropSocket();
  void Finish(Result<std::shared_ptr<Connection>> result);
  std::string Where() const;
  milliseconds Left() const {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(due_ - loop_.now()));
  }

  Loop& loop_;
  const DialTarget target_;
  const std::shared_ptr<const TlsContext> tls_;
  const MonotonicTime due_;
  OnDialed on_dialed_;

  Step step_ = Step::kResolve;
  std::string host_;  // to connect to: the target or its proxy
  std::uint16_t port_ = 0;
  std::vector<SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  std::string failures_;  // of the addresses tried so far
  int fd_ = -1;
  std::optional<ProxyConnect> proxy_;
  std::shared_ptr<SocketConnection> connection_;
  Timer deadline_, attempt_;
};

void Dialing::Start() {
  deadline_ = loop_.After(Left(), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->OnDeadline();
  });
  host_ = target_.host;
  port_ = target_.port;
  if (!target_.proxy.empty()) {
    auto proxy = ProxyConnect::Make(target_.proxy, target_.ToString());
    if (!proxy) return Finish(proxy.error());
    proxy_ = *std::move(proxy);
    host_ = proxy_->host();
    port_ = proxy_->port();
  }
  if (SocketAddress literal; ParseIp(host_, port_, literal)) {
    addresses_.push_back(literal);
    return TryNext();
  }
  StartResolving();
}

void Dialing::StartResolving() {
  auto self = shared_from_this();
  const bool queued = ResolverPool().Submit([self, host = host_, port = port_] {
    auto resolved = std::make_shared<Result<std::vector<SocketAddress>>>(Resolve(host, port));
    self->loop_.Post([self, resolved] {
      if (self->step_ != Step::kResolve) return;
      if (!*resolved) return self->Finish(resolved->error());
      self->addresses_ = **resolved;
      self->TryNext();
    });
  });
  if (!queued) {
    Finish(MakeError(ErrorCode::kResourceExhausted,
                     "cannot resolve " + host_ + ": too many names are being resolved; retry"));
  }
}

void Dialing::TryNext() {
  step_ = Step::kConnect;
  while (next_address_ < addresses_.size()) {
    if (TryConnect(addresses_[next_address_++])) return;
  }
  Finish(MakeError(ErrorCode::kUnavailable, "cannot connect to " + Where() + ": " +
                                                (failures_.empty() ? "no address" : failures_)));
}

/// False when it failed at once.
bool Dialing::TryConnect(const SocketAddress& address) {
  fd_ = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    AttemptFailed(std::strerror(errno));
    return false;
  }
  SetTcpOptions(fd_);
  if (connect(fd_, address.get(), address.length) != 0 && errno != EINPROGRESS) {
    AttemptFailed(std::strerror(errno));
    return false;
  }
  if (!loop_.Register(fd_, shared_from_this())) {
    AttemptFailed("no resources for another connection");
    return false;
  }
  const std::size_t left = addresses_.size() - next_address_;
  if (left > 0) {  // the last one has all the rest of the deadline
    const auto share = std::max(kAttemptMin, Left() / static_cast<int>(left + 1));
    attempt_ = loop_.After(share, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self || self->step_ != Step::kConnect) return;
      self->AttemptFailed("no answer");
      self->TryNext();
    });
  }
  return true;
}

void Dialing::AttemptFailed(const std::string& why) {
  DropSocket();
  if (!failures_.empty()) failures_ += "; ";
  if (addresses_.size() > 1) failures_ += addresses_[next_address_ - 1].Ip() + ": ";
  failures_ += why;
}

void Dialing::OnReady(Readiness ready) {
  auto self = shared_from_this();
  if (step_ == Step::kProxy) {
    if (!ready.readable && !ready.writable) return;
  } else {
    if (step_ != Step::kConnect || (!ready.writable && !ready.error)) return;
    if (ready.error) {
      AttemptFailed(SocketFailure(fd_).message);
      return TryNext();
    }
    attempt_.Cancel();
    if (!proxy_) return StartHandshake();
    step_ = Step::kProxy;
  }
  auto done = proxy_->Continue(fd_);
  if (!done) return Finish(done.error());
  if (*done) StartHandshake();
}

void Dialing::StartHandshake() {
  step_ = Step::kHandshake;
  loop_.Unregister(fd_);
  SocketAddress peer;
  getpeername(fd_, peer.get(), &peer.length);
  const std::string ip = peer.Ip();
  connection_ = std::make_shared<SocketConnection>(
      loop_, std::exchange(fd_, -1), tls_, SocketConnection::Peer{ip, Endpoint(ip, peer.port())});
  // Our own deadline covers the handshake; the connection's only stands behind it.
  connection_->Start(Left() + milliseconds(1), [self = shared_from_this()](Result<void> ready) {
    if (self->step_ != Step::kHandshake) return;
    if (ready) return self->Finish(std::shared_ptr<Connection>(self->connection_));
    Error error = ready.error();
    error.message = "TLS handshake with " + self->target_.ToString() + ": " + error.message;
    self->Finish(std::move(error));
  });
}

void Dialing::OnDeadline() {
  std::string what;
  switch (step_) {
    case Step::kDone:
      return;
    case Step::kResolve:
      what = "resolving " + host_;
      break;
    case Step::kConnect:
      what = "connecting to " + Where();
      break;
    case Step::kProxy:
      what = "waiting for the proxy " + Where();
      break;
    case Step::kHandshake:
      what = "the TLS handshake with " + target_.ToString();
      break;
  }
  if (!failures_.empty()) what += " (" + failures_ + ")";
  auto connection = connection_;
  Finish(MakeError(ErrorCode::kDeadlineExceeded, "time ran out while " + what));
  if (connection) connection->Close();
}

void Dialing::DropSocket() {
  attempt_.Cancel();
  if (fd_ < 0) return;
  loop_.Unregister(fd_);
  close(std::exchange(fd_, -1));
}

void Dialing::Finish(Result<std::shared_ptr<Connection>> result) {
  if (step_ == Step::kDone) return;
  step_ = Step::kDone;
  auto self = shared_from_this();
  deadline_.Cancel();
  DropSocket();
  connection_.reset();
  if (auto on_dialed = std::exchange(on_dialed_, nullptr)) on_dialed(std::move(result));
}

std::string Dialing::Where() const { return (proxy_ ? "the proxy " : "") + Endpoint(host_, port_); }

}  // namespace

std::string DialTarget::ToString() const { return Endpoint(host, port); }

void Dial(Loop& loop, DialTarget target, std::shared_ptr<const TlsContext> tls,
          milliseconds deadline, OnDialed on_dialed) {
  auto dialing = std::make_shared<Dialing>(loop, std::move(target), std::move(tls), deadline,
                                           std::move(on_dialed));
  loop.Post([dialing = std::move(dialing)] { dialing->Start(); });
}

std::string PeerFingerprint(const Error& error) {
  constexpr std::string_view kMark = "(SHA-256 ";
  constexpr std::size_t kDigits = 64;
  const auto at = error.message.find(kMark);
  if (at == std::string::npos) return {};
  auto digits = error.message.substr(at + kMark.size(), kDigits);
  return digits.size() == kDigits ? digits : std::string();
}

}  // namespace mk8s::net
