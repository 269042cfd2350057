// A listener on loopback and a session without a protocol, for net's tests only.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "net/dialer.h"
#include "net/listener.h"
#include "net/test_certificates.h"

namespace mk8s::net {

using std::chrono::milliseconds;

/// Raw bytes both ways; what happens is up to the test.
class RawSession : public http::Session {
 public:
  std::function<void(RawSession&, std::string_view)> on_bytes;
  std::function<void(RawSession&)> on_eof;
  std::function<void()> on_lost;
  std::function<void(RawSession&, std::size_t)> on_sent;
  std::size_t open_streams = 1;
  bool wants_read = true, finished = false, half_close = false, answers_ping = true;
  int pings = 0;

  void Send(std::string_view bytes) {
    out_ += bytes;
    Wakeup();
  }
  void Wake() { Wakeup(); }
  void Finish() {
    finished = true;
    Wakeup();
  }
  std::size_t unsent_bytes() const { return out_.size(); }

  Result<void> Receive(std::string_view bytes) override {
    if (on_bytes) on_bytes(*this, bytes);
    return std::exchange(receive_result, {});
  }
  void ReceiveEof() override {
    if (on_eof) return on_eof(*this);
    finished = true;
  }
  void Produce(std::string& out, std::size_t out_max) override {
    const std::size_t size = std::min(out_max - std::min(out_max, out.size()), out_.size());
    out.append(out_, 0, size);
    out_.erase(0, size);
    if (size > 0 && on_sent) on_sent(*this, size);
  }
  void ConnectionLost() override {
    if (on_lost) on_lost();
  }
  bool WantsRead() const override { return wants_read; }
  bool Finished() const override { return finished && out_.empty(); }
  bool WantsHalfClose() const override { return half_close; }
  void Drain() override { Finish(); }
  std::size_t OpenStreams() const override { return open_streams; }
  bool Ping(std::function<void()> on_answer) override {
    ++pings;
    if (answers_ping) on_answer();
    return !answers_ping;
  }

  Result<void> receive_result;

 private:
  std::string out_;
};

inline Deadlines NoDeadlines() {
  Deadlines none;
  none.first_request = none.next_request = none.idle = none.write_stall = milliseconds(0);
  return none;
}

/// Waits, at most 10 s.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return condition();
}

template <typename T>
T Await(std::future<T> future) {
  if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
    ADD_FAILURE() << "waited too long";
    std::abort();
  }
  return future.get();
}

/// Runs `fn` on `loop` and waits for its result.
template <typename Fn>
auto OnLoop(Loop& loop, Fn fn) {
  auto task = std::make_shared<std::packaged_task<decltype(fn())()>>(std::move(fn));
  auto future = task->get_future();
  loop.Post([task] { (*task)(); });
  return Await(std::move(future));
}

class LoopbackTest : public testing::Test {
 protected:
  using Dialed = Result<std::shared_ptr<Connection>>;

  ~LoopbackTest() override { StopLoops(); }

  /// In the destructor of a fixture whose members the loops use.
  void StopLoops() {
    if (listener_) listener_->StopAccepting();
    loops_.Stop();
  }

  std::shared_ptr<ReloadableTlsContext> ServerTls(ServerTlsOptions options) {
    auto context = TlsContext::Server(options);
    EXPECT_TRUE(context) << context.error().message << context.error().detail;
    return std::make_shared<ReloadableTlsContext>(*context);
  }
  std::shared_ptr<ReloadableTlsContext> ServerTls() { return ServerTls({.identity = ca_.Issue()}); }

  std::shared_ptr<const TlsContext> ClientTls(ClientTlsOptions options) {
    if (options.server_name.empty()) options.server_name = "127.0.0.1";
    if (options.ca_pem.empty()) options.ca_pem = ca_.pem();
    auto context = TlsContext::Client(options);
    EXPECT_TRUE(context) << context.error().message << context.error().detail;
    return *context;
  }
  std::shared_ptr<const TlsContext> ClientTls() { return ClientTls(ClientTlsOptions{}); }

  void Listen(ListenerOptions options, OnConnection on_connection) {
    options.bind_address = "127.0.0.1";
    auto listener = Listener::Listen(loops_, options, std::move(on_connection));
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = *std::move(listener);
    if (!std::exchange(started_, true)) loops_.Start();
  }
  /// Serves an echo.
  void ListenEcho(ListenerOptions options) {
    Listen(std::move(options), [](std::shared_ptr<Connection> connection) {
      connection->Attach(Echo(), NoDeadlines());
    });
  }
  static std::unique_ptr<RawSession> Echo() {
    auto session = std::make_unique<RawSession>();
    session->on_bytes = [](RawSession& self, std::string_view bytes) { self.Send(bytes); };
    return session;
  }

  Dialed DialLoopback(std::shared_ptr<const TlsContext> tls,
                      milliseconds deadline = milliseconds(10'000)) {
    return DialPort(listener_->port(), std::move(tls), deadline);
  }
  Dialed DialPort(std::uint16_t port, std::shared_ptr<const TlsContext> tls,
                  milliseconds deadline = milliseconds(10'000)) {
    if (!std::exchange(started_, true)) loops_.Start();
    auto promise = std::make_shared<std::promise<Dialed>>();
    auto future = promise->get_future();
    Dial(loops_.at(0), {.host = "127.0.0.1", .port = port}, std::move(tls), deadline,
         [promise](Dialed dialed) { promise->set_value(std::move(dialed)); });
    return Await(std::move(future));
  }

  /// Sends `bytes` and waits until as many came back.
  std::string RoundTrip(const std::shared_ptr<Connection>& connection, const std::string& bytes) {
    auto promise = std::make_shared<std::promise<std::string>>();
    auto future = promise->get_future();
    connection->loop().Post([=] {
      auto session = std::make_unique<RawSession>();
      auto got = std::make_shared<std::string>();
      session->on_bytes = [=](RawSession&, std::string_view some) {
        *got += some;
        if (got->size() == bytes.size()) promise->set_value(*got);
      };
      session->on_lost = [=] {
        if (got->size() < bytes.size()) promise->set_value("lost");
      };
      session->Send(bytes);
      connection->Attach(std::move(session), NoDeadlines());
    });
    return Await(std::move(future));
  }

  TestCa ca_;
  LoopGroup loops_{2};
  std::unique_ptr<Listener> listener_;
  bool started_ = false;
};

/// A blocking client socket on loopback, for what Dial would never do.
class PlainSocket {
 public:
  explicit PlainSocket(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    timeval wait{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  }
  PlainSocket(const PlainSocket&) = delete;
  PlainSocket& operator=(const PlainSocket&) = delete;
  ~PlainSocket() { close(fd_); }

  int fd() const { return fd_; }
  bool connected() const { return connected_; }
  bool Send(std::string_view bytes) {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  /// Until FIN or reset.
  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    for (ssize_t got; (got = recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

}  // namespace mk8s::net
