// The command line's upgrades, against our own HTTP server.
#include "net/blocking_upgrade.h"

#include "net/test_handler.h"

namespace mk8s::net {
namespace {

// Sends once it may, and is done when that came back, or at once.
class Echoed : public UpgradeHandler {
 public:
  explicit Echoed(std::string text, bool done = false) : text_(std::move(text)), done_(done) {}
  void OnStart(Loop&) override { ++started; }
  void OnOpen(std::shared_ptr<http::Stream> stream) override {
    stream_ = std::move(stream);
    stream_->SendBody(text_);
  }
  void OnBytes(std::string_view bytes) override {
    stream_->Consume(bytes.size());
    received += bytes;
    done_ = received.size() >= text_.size();
  }
  void OnSent(std::size_t bytes) override { sent += bytes; }
  void OnClosed() override { ++closed; }
  bool Done() const override { return done_; }

  std::string received;
  std::size_t sent = 0;
  int started = 0, closed = 0;

 private:
  const std::string text_;
  std::shared_ptr<http::Stream> stream_;
  bool done_;
};

class BlockingUpgradeTest : public LoopbackTest {
 protected:
  BlockingUpgradeTest() {
    Listen({.tls = ServerTls({.identity = ca_.Issue(), .alpn = {"h2", "http/1.1"}})},
           [this](const std::shared_ptr<Connection>& connection) {
             ServeHttp(*connection, handler_);
           });
  }
  ~BlockingUpgradeTest() override { StopLoops(); }
  Result<Response> Run(std::string_view path, UpgradeHandler& handler) {
    return RunUpgrade({.base_url = "https://" + listener_->endpoint(),
                       .ca_pem = ca_.pem(),
                       .timeout = std::chrono::seconds(20)},
                      path, {}, "websocket", handler);
  }
  TestHandler handler_;
};

TEST_F(BlockingUpgradeTest, CarriesBytesBothWays) {
  const std::string text(300'000, 'x');
  Echoed echoed(text);
  const auto response = Run("/up", echoed);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 101);
  EXPECT_EQ(echoed.received, text);
  EXPECT_EQ(echoed.sent, text.size());
  EXPECT_EQ(echoed.started, 1);
  EXPECT_EQ(echoed.closed, 0);
}

TEST_F(BlockingUpgradeTest, GivesAnotherAnswerAsItIs) {
  Echoed echoed("x");
  const auto response = Run("/forbidden", echoed);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(echoed.received, "");
}

TEST_F(BlockingUpgradeTest, GivesUpWhenTheHandlerDoes) {
  Echoed done("x", true);
  const auto response = Run("/hold", done);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace mk8s::net
