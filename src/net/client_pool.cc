// Picks, opens and forgets connections to one origin.  What a request does while it waits for one
// is pooled_request.cc's.
#include "net/client_pool.h"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "h1/session.h"
#include "h2/session.h"
#include "net/pooled_request_internal.h"

namespace mk8s::net {
namespace {

using std::chrono::milliseconds;

// While requests wait: how often room is looked for and deadlines are checked.
constexpr milliseconds kTick{50};
// After Renew, open streams (watches, logs -f) may go on this long.
constexpr auto kRenewGrace = limits::kAgentCertificateLife;

bool IsUpgrade(const PooledRequest& request) { return !request.head().protocol.empty(); }

}  // namespace

class ClientPool::State : public PooledRequest::Owner,
                          public std::enable_shared_from_this<ClientPool::State> {
 public:
  State(Loop& loop, ClientPoolOptions options) : loop_(loop), options_(std::move(options)) {}

  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events);
  void CloseAll();
  void Renew();
  Error LastError() const { return last_error_; }
  std::size_t connections() const { return shared_.size() + upgrades_.size(); }
  std::size_t waiting() const { return waiting_.size(); }

  void Refused(std::shared_ptr<PooledRequest> request) override;
  void Ended() override;

 private:
  struct Member {
    std::shared_ptr<Connection> connection;
    http::ClientSession* session;  // the connection's
    bool usable;                   // false: its peer's settings are not known yet
  };

  void Enqueue(std::shared_ptr<PooledRequest> request);
  void Place();
  bool PlaceOne(const std::shared_ptr<PooledRequest>& request);
  void DialAsNeeded();
  void DialShared();
  void Joined(const std::shared_ptr<Connection>& connection);
  void DialUpgrade(std::shared_ptr<PooledRequest> request);
  void UpgradeConnected(const std::shared_ptr<Connection>& connection,
                        const std::shared_ptr<PooledRequest>& request);
  void DialFailed(const Error& error);
  void FailLater(std::shared_ptr<PooledRequest> request, Error why);
  void PlaceLater();
  void Tick();
  static std::shared_ptr<const TlsContext> Current(
      const std::shared_ptr<const ReloadableTlsContext>& tls) {
    return tls ? tls->Get() : nullptr;
  }

  Loop& loop_;
  const ClientPoolOptions options_;
  std::vector<Member> shared_;
  std::vector<std::shared_ptr<Connection>> upgrades_;
  std::list<std::shared_ptr<PooledRequest>> waiting_;
  std::size_t dialing_ = 0, dialing_upgrades_ = 0;
  std::uint64_t generation_ = 0;  // of Renew: a connection dialled before is not taken in
  bool http1_ = false;            // what the newest connection speaks
  bool placing_later_ = false;
  bool closed_ = false;
  Timer tick_;
  Error last_error_{ErrorCode::kUnavailable, {}, {}};
};

std::shared_ptr<http::Stream> ClientPool::State::Send(
    const http::RequestHead& head, bool end, std::shared_ptr<http::ResponseEvents> events) {
  auto request = std::make_shared<PooledRequest>(weak_from_this(), head, end, std::move(events));
  if (IsUpgrade(*request) && !options_.upgrades_shared) {
    if (upgrades_.size() + dialing_upgrades_ >= options_.upgrades_max) {
      FailLater(request, MakeError(ErrorCode::kResourceExhausted,
                                   "too many upgraded connections to " +
                                       options_.target.ToString() + "; retry later"));
    } else {
      DialUpgrade(request);
    }
  } else if (!PlaceOne(request)) {
    Enqueue(request);
  }
  return request->MakeStream();
}

void ClientPool::State::Enqueue(std::shared_ptr<PooledRequest> request) {
  if (waiting_.size() >= options_.waiting_max) {
    return FailLater(
        std::move(request),
        MakeError(ErrorCode::kResourceExhausted,
                  "too many requests wait for " + options_.target.ToString() + "; retry later"));
  }
  request->set_due(loop_.now() + options_.dial_deadline);
  waiting_.push_back(std::move(request));
  DialAsNeeded();
  if (!tick_.pending()) tick_ = loop_.After(kTick, [this] { Tick(); });
}

bool ClientPool::State::PlaceOne(const std::shared_ptr<PooledRequest>& request) {
  for (const Member& member : shared_) {
    if (!member.usable || member.connection->closed()) continue;
    if (!member.connection->session()) continue;
    if (!member.session->CanSend()) continue;
    request->Dispatch(*member.session);
    return true;
  }
  return false;
}

void ClientPool::State::Place() {
  while (!waiting_.empty()) {
    if (!waiting_.front()->over() && !PlaceOne(waiting_.front())) break;
    waiting_.pop_front();
  }
  DialAsNeeded();
}

void ClientPool::State::PlaceLater() {
  if (std::exchange(placing_later_, true)) return;
  loop_.Post([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    self->placing_later_ = false;
    self->Place();
  });
}

void ClientPool::State::Tick() {
  for (const auto& request : std::exchange(waiting_, {})) {
    if (request->over()) continue;
    if (loop_.now() < request->due()) {
      waiting_.push_back(request);
      continue;
    }
    last_error_ = MakeError(ErrorCode::kDeadlineExceeded,
                            "no connection to " + options_.target.ToString() + " became free");
    request->Fail(http::ResetReason::kRefused);
  }
  Place();
  if (!waiting_.empty() && !tick_.pending()) tick_ = loop_.After(kTick, [this] { Tick(); });
}

// --- shared connections ---

void ClientPool::State::DialAsNeeded() {
  // HTTP/2 takes many requests on one; HTTP/1.1 needs one each.
  const std::size_t wanted = http1_ ? waiting_.size() : std::min<std::size_t>(waiting_.size(), 1);
  const auto settling = static_cast<std::size_t>(std::count_if(
      shared_.begin(), shared_.end(), [](const Member& member) { return !member.usable; }));
  while (!closed_ && dialing_ + settling < wanted &&
         shared_.size() + dialing_ < options_.connections_max) {
    DialShared();
  }
}

void ClientPool::State::DialShared() {
  ++dialing_;
  Dial(loop_, options_.target, Current(options_.tls), options_.dial_deadline,
       [weak = weak_from_this(), generation = generation_](auto dialed) {
         auto self = weak.lock();
         if (!self || self->closed_) {
           if (dialed) (*dialed)->Close();
           return;
         }
         --self->dialing_;
         if (!dialed) return self->DialFailed(dialed.error());
         if (generation != self->generation_) {
           (*dialed)->Close();
           return self->DialAsNeeded();
         }
         self->Joined(*dialed);
       });
}

void ClientPool::State::Joined(const std::shared_ptr<Connection>& connection) {
  http1_ = connection->alpn() != kAlpnHttp2;
  Deadlines deadlines = Deadlines::Client();
  deadlines.idle = options_.idle;
  http::ClientSession* client = nullptr;
  h2::Session* asking = nullptr;
  std::unique_ptr<http::Session> session;
  if (http1_) {
    auto made = h1::ClientSession::Make();
    client = made.get();
    session = std::move(made);
  } else {
    auto made = h2::Session::Client(h2::Options::Tunnel());
    client = asking = made.get();
    session = std::move(made);
    deadlines.ping_interval = limits::kPingInterval;
  }
  // The answer to a PING comes behind the peer's SETTINGS, which allow upgrades.
  const bool wait = options_.upgrades_shared && asking != nullptr;
  shared_.push_back({connection, client, /*usable=*/!wait});
  connection->Attach(std::move(session), deadlines);
  connection->SetOnClosed([weak = weak_from_this(), raw = connection.get()](const Error&) {
    auto self = weak.lock();
    if (!self) return;
    std::erase_if(self->shared_,
                  [raw](const Member& member) { return member.connection.get() == raw; });
    self->PlaceLater();
  });
  if (!wait) return Place();
  asking->Ping([weak = weak_from_this(), raw = connection.get()] {
    auto self = weak.lock();
    if (!self) return;
    for (Member& member : self->shared_) {
      if (member.connection.get() == raw) member.usable = true;
    }
    self->PlaceLater();
  });
}

void ClientPool::State::DialFailed(const Error& error) {
  last_error_ = error;
  if (!shared_.empty() || dialing_ > 0) return;  // a stream may end; Tick dials again
  for (const auto& request : std::exchange(waiting_, {})) {
    if (!request->over()) request->Fail(http::ResetReason::kRefused);
  }
}

// --- upgrades ---

void ClientPool::State::DialUpgrade(std::shared_ptr<PooledRequest> request) {
  ++dialing_upgrades_;
  Dial(loop_, options_.target, Current(options_.upgrade_tls), options_.dial_deadline,
       [weak = weak_from_this(), request = std::move(request)](auto dialed) {
         auto self = weak.lock();
         if (!self || self->closed_) {
           if (dialed) (*dialed)->Close();
           if (!request->over()) request->Fail(http::ResetReason::kConnectionLost);
           return;
         }
         --self->dialing_upgrades_;
         if (dialed) return self->UpgradeConnected(*dialed, request);
         self->last_error_ = dialed.error();
         if (!request->over()) request->Fail(http::ResetReason::kRefused);
       });
}

void ClientPool::State::UpgradeConnected(const std::shared_ptr<Connection>& connection,
                                         const std::shared_ptr<PooledRequest>& request) {
  if (request->over()) return connection->Close();
  upgrades_.push_back(connection);
  connection->SetOnClosed([weak = weak_from_this(), raw = connection.get()](const Error&) {
    auto self = weak.lock();
    if (!self) return;
    std::erase_if(self->upgrades_, [raw](const auto& one) { return one.get() == raw; });
  });
  auto session = h1::ClientSession::Make();
  http::ClientSession& client = *session;
  Deadlines deadlines = Deadlines::Client();
  deadlines.idle = options_.idle;
  connection->Attach(std::move(session), deadlines);
  request->Dispatch(client);
}

// --- the end of requests and of the pool ---

void ClientPool::State::FailLater(std::shared_ptr<PooledRequest> request, Error why) {
  last_error_ = std::move(why);
  loop_.Post([request = std::move(request)] {
    if (!request->over()) request->Fail(http::ResetReason::kRefused);
  });
}

void ClientPool::State::Refused(std::shared_ptr<PooledRequest> request) {
  loop_.Post([weak = weak_from_this(), request = std::move(request)] {
    if (request->over()) return;
    auto self = weak.lock();
    if (!self || self->closed_ || IsUpgrade(*request)) {
      return request->Fail(http::ResetReason::kRefused);
    }
    if (!self->PlaceOne(request)) self->Enqueue(request);
  });
}

void ClientPool::State::Ended() {
  if (!waiting_.empty()) PlaceLater();
}

void ClientPool::State::Renew() {
  ++generation_;
  for (const Member& member : std::exchange(shared_, {})) member.connection->Shutdown(kRenewGrace);
  DialAsNeeded();
}

void ClientPool::State::CloseAll() {
  closed_ = true;
  tick_.Cancel();
  for (const Member& member : std::exchange(shared_, {})) member.connection->Close();
  for (const auto& connection : std::exchange(upgrades_, {})) connection->Close();
  for (const auto& request : std::exchange(waiting_, {})) {
    if (!request->over()) request->Fail(http::ResetReason::kConnectionLost);
  }
}

ClientPool::ClientPool(Loop& loop, ClientPoolOptions options)
    : state_(std::make_shared<State>(loop, std::move(options))) {}
ClientPool::~ClientPool() { state_->CloseAll(); }

std::shared_ptr<http::Stream> ClientPool::Send(const http::RequestHead& head, bool end,
                                               std::shared_ptr<http::ResponseEvents> events) {
  return state_->Send(head, end, std::move(events));
}
Error ClientPool::LastError() const { return state_->LastError(); }
std::size_t ClientPool::connections() const { return state_->connections(); }
std::size_t ClientPool::waiting() const { return state_->waiting(); }
void ClientPool::Renew() { state_->Renew(); }

}  // namespace mk8s::net
