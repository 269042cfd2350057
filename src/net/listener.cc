// The accepting socket.  At its bound, or when descriptors run out, it pauses and tries again: the
// kernel's backlog holds the waiting, and the listener never dies (grpc#20418).
#include "net/listener.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/connection_internal.h"
#include "net/socket_internal.h"

namespace mk8s::net {
namespace {

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kAcceptsPerTurn = 64;

}  // namespace

struct Listener::State : Descriptor, std::enable_shared_from_this<Listener::State> {
  /// Counts one connection from accept until its socket closes.
  struct Admission {
    explicit Admission(std::shared_ptr<State> owner) : listener(std::move(owner)) {}
    ~Admission() { listener->Release(); }
    std::shared_ptr<State> listener;
  };

  State(std::vector<Loop*> dealt_to, const ListenerOptions& listener_options, OnConnection handler)
      : loops(std::move(dealt_to)), options(listener_options), on_connection(std::move(handler)) {}
  ~State() override { CloseSocket(); }

  Result<void> Open();
  void ReadName();
  void OnReady(Readiness) override { Accept(); }
  void OnLoopStopped() override { CloseSocket(); }
  void Accept();
  void AcceptLater();
  bool AcceptOne();
  void Deal(int fd, SocketConnection::Peer peer);
  void Release();
  void CloseSocket();

  Loop& accept_loop() { return *loops[0]; }

  const std::vector<Loop*> loops;
  const ListenerOptions options;
  const OnConnection on_connection;
  int fd = -1;  // accept loop's, once listening
  std::uint16_t port = 0;
  std::string endpoint;
  std::size_t next_loop = 0;
  Timer pause;
  bool logged_pause = false;

  std::atomic<bool> full = false;
  std::mutex mutex;  // guards open
  std::condition_variable closed;
  std::size_t open = 0;
};

namespace {

Error CannotListen(const ListenerOptions& options, int error) {
  const std::string at = Endpoint(options.bind_address, options.port);
  std::string next;
  if (error == EADDRINUSE) {
    next = "another process uses it; end that one (`ss -ltnp` names it) or choose another port";
  } else if (error == EACCES) {
    next = "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one";
  } else if (error == EADDRNOTAVAIL) {
    next = "this machine has no such address; check the bind address";
  } else {
    next = std::strerror(error);
  }
  return MakeError(ErrorCode::kFailedPrecondition, "cannot listen on " + at + ": " + next,
                   std::strerror(error));
}

}  // namespace

Result<void> Listener::State::Open() {
  SocketAddress address;
  if (!ParseIp(options.bind_address, options.port, address)) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "cannot listen on \"" + options.bind_address + "\": not an IP address");
  }
  fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return CannotListen(options, errno);
  const int on = 1, off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // restart while TIME_WAIT lasts
  if (address.family() == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  SetTcpOptions(fd);
  if (bind(fd, address.get(), address.length) != 0 || listen(fd, kBacklog) != 0) {
    return CannotListen(options, errno);
  }
  ReadName();
  return {};
}

void Listener::State::ReadName() {
  SocketAddress bound;
  getsockname(fd, bound.get(), &bound.length);
  port = bound.port();
  endpoint = Endpoint(bound.Ip(), port);
}

void Listener::State::Accept() {
  if (fd < 0 || pause.pending()) return;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!AcceptOne()) return;
  }
  accept_loop().Post([self = shared_from_this()] { self->Accept(); });
}

/// False when there is no more to accept for now.
bool Listener::State::AcceptOne() {
  {
    std::lock_guard lock(mutex);
    full = open >= options.connections_max;
    if (full) return false;  // Release goes on
  }
  SocketAddress address;
  const int accepted = accept4(fd, address.get(), &address.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted >= 0) {
    logged_pause = false;
    SocketConnection::Peer peer{address.Ip(), {}};
    peer.endpoint = Endpoint(peer.ip, address.port());
    Deal(accepted, std::move(peer));
    return true;
  }
  switch (errno) {
    case EAGAIN:
      return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:  // a firewall rule
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;  // that connection is gone already, or broke (accept(2))
    default:        // EMFILE, ENFILE, ENOBUFS, ENOMEM
      if (!std::exchange(logged_pause, true)) {
        log::Err("accepting pauses: connections cannot be taken",
                 {{"listener", endpoint}, {"reason", std::strerror(errno)}});
      }
      AcceptLater();
      return false;
  }
}

void Listener::State::AcceptLater() {
  pause = accept_loop().After(kAcceptPause, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->Accept();
  });
}

void Listener::State::Deal(int accepted, SocketConnection::Peer peer) {
  {
    std::lock_guard lock(mutex);
    ++open;
  }
  auto admission = std::make_shared<Admission>(shared_from_this());
  Loop& loop = *loops[next_loop++ % loops.size()];
  auto tls = options.tls ? options.tls->Get() : nullptr;
  auto connection = std::make_shared<SocketConnection>(loop, accepted, std::move(tls),
                                                       std::move(peer), std::move(admission));
  auto start = [self = shared_from_this(), connection = std::move(connection)] {
    connection->Start(self->options.handshake_deadline, [self, raw = connection.get()](
                                                            Result<void> ready) {
      if (ready) return self->on_connection(raw->shared_from_this());
      log::Debug("handshake failed", {{"peer", raw->peer_endpoint()}, {"error", ready.error()}});
    });
  };
  if (loop.InLoop()) return start();
  loop.Post(std::move(start));
}

void Listener::State::Release() {
  {
    std::lock_guard lock(mutex);
    --open;
    closed.notify_all();
  }
  if (full.exchange(false)) {
    accept_loop().Post([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->Accept();
    });
  }
}

void Listener::State::CloseSocket() {
  pause.Cancel();
  if (fd < 0) return;
  accept_loop().Unregister(fd);
  close(std::exchange(fd, -1));
}

// --- Listener ---

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() { StopAccepting(); }

Result<std::unique_ptr<Listener>> Listener::Listen(LoopGroup& loops, const ListenerOptions& options,
                                                   OnConnection on_connection) {
  std::vector<Loop*> all;
  for (std::size_t i = 0; i < loops.size(); ++i) all.push_back(&loops.at(i));
  return Listen(std::move(all), options, std::move(on_connection));
}

Result<std::unique_ptr<Listener>> Listener::Listen(std::vector<Loop*> loops,
                                                   const ListenerOptions& options,
                                                   OnConnection on_connection) {
  auto state = std::make_shared<State>(std::move(loops), options, std::move(on_connection));
  if (auto opened = state->Open(); !opened) {
    if (state->fd >= 0) close(std::exchange(state->fd, -1));  // no loop knows it yet
    return opened.error();
  }
  state->accept_loop().Post([state] { state->accept_loop().Register(state->fd, state); });
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

std::unique_ptr<Listener> Listener::Adopt(Loop& loop, int fd, const ListenerOptions& options,
                                          OnConnection on_connection) {
  auto state =
      std::make_shared<State>(std::vector<Loop*>{&loop}, options, std::move(on_connection));
  state->fd = fd;
  state->ReadName();
  loop.Post([state] { state->accept_loop().Register(state->fd, state); });
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

std::uint16_t Listener::port() const { return state_->port; }
const std::string& Listener::endpoint() const { return state_->endpoint; }

std::string Listener::local_endpoint() const {
  const bool any = endpoint().starts_with("[::]:") || endpoint().starts_with("0.0.0.0:");
  return any ? "127.0.0.1:" + std::to_string(port()) : endpoint();
}

std::size_t Listener::connections() const {
  std::lock_guard lock(state_->mutex);
  return state_->open;
}

void Listener::StopAccepting() {
  state_->accept_loop().Post([state = state_] { state->CloseSocket(); });
}

void Listener::Drain(std::chrono::milliseconds grace) {
  StopAccepting();
  for (Loop* const each : state_->loops) {
    Loop& loop = *each;
    loop.Post([&loop, state = state_, grace] {
      loop.ForEachDescriptor([&state, grace](Descriptor& descriptor) {
        auto* connection = dynamic_cast<SocketConnection*>(&descriptor);
        if (!connection || !connection->admission()) return;
        const auto& admission = *static_cast<State::Admission*>(connection->admission().get());
        if (admission.listener == state) connection->Shutdown(grace);
      });
    });
  }
}

bool Listener::WaitUntilClosed(std::chrono::milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  return state_->closed.wait_for(lock, timeout, [this] { return state_->open == 0; });
}

}  // namespace mk8s::net
