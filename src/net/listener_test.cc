// Accepting: fair deal, bounds, running out of descriptors, a port in use.
#include "net/listener.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "net/test_server.h"

namespace {
std::atomic<int> accept_error = 0;
std::atomic<int> accepts_failed = 0;
}  // namespace

// Stands in for libc's, so that descriptors "run out" for the listener and not for the sanitizers,
// which need some themselves.
extern "C" int accept4(int fd, sockaddr* address, socklen_t* length, int flags) noexcept(false) {
  if (accept_error != 0) {
    ++accepts_failed;
    errno = accept_error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_accept4, fd, address, length, flags));
}

namespace mk8s::net {
namespace {

class ListenerTest : public LoopbackTest {};

TEST_F(ListenerTest, DealsConnectionsToAllLoops) {
  std::array<std::atomic<int>, 2> served{};
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    ++served[connection->loop().index()];
    connection->Attach(Echo(), NoDeadlines());
  });
  std::vector<std::unique_ptr<PlainSocket>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<PlainSocket>(listener_->port()));
  EXPECT_TRUE(Eventually([&] { return served[0] == 3 && served[1] == 3; }));
  EXPECT_EQ(listener_->connections(), 6u);
}

TEST_F(ListenerTest, APortInUseIsExplained) {
  ListenEcho({});
  auto second = Listener::Listen(loops_, {.bind_address = "127.0.0.1", .port = listener_->port()},
                                 [](auto) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(second.error().message.find(listener_->endpoint()), std::string::npos);
  EXPECT_NE(second.error().message.find("choose another port"), std::string::npos);
  auto nowhere = Listener::Listen(loops_, {.bind_address = "not an address"}, [](auto) {});
  EXPECT_FALSE(nowhere);
}

TEST_F(ListenerTest, AtItsBoundAcceptWaits) {
  ListenEcho({.connections_max = 2});
  auto first = std::make_unique<PlainSocket>(listener_->port());
  PlainSocket second(listener_->port());
  PlainSocket third(listener_->port());  // in the backlog
  ASSERT_TRUE(third.connected());
  ASSERT_TRUE(Eventually([&] { return listener_->connections() == 2; }));
  third.Send("waits");
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(listener_->connections(), 2u);
  first.reset();
  char buffer[5];
  EXPECT_EQ(recv(third.fd(), buffer, sizeof buffer, MSG_WAITALL), 5);
}

TEST_F(ListenerTest, SurvivesRunningOutOfDescriptors) {
  ListenEcho({});
  PlainSocket before(listener_->port());
  ASSERT_TRUE(Eventually([&] { return listener_->connections() == 1; }));
  accept_error = EMFILE;
  PlainSocket waiting(listener_->port());
  ASSERT_TRUE(waiting.connected());
  std::this_thread::sleep_for(milliseconds(150));
  EXPECT_EQ(listener_->connections(), 1u);
  EXPECT_LE(accepts_failed, 5) << "does not pause";
  EXPECT_GE(accepts_failed, 1);
  accept_error = 0;
  waiting.Send("hello");
  char buffer[5];
  EXPECT_EQ(recv(waiting.fd(), buffer, sizeof buffer, MSG_WAITALL), 5);
}

TEST_F(ListenerTest, StopAcceptingFreesThePort) {
  ListenEcho({});
  const auto port = listener_->port();
  listener_->StopAccepting();
  EXPECT_TRUE(Eventually([&] { return !PlainSocket(port).connected(); }));
}

}  // namespace
}  // namespace mk8s::net
