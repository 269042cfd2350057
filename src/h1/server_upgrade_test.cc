// Upgrades at the serving end: early bytes, half-closes in either order, refusals.
#include "h1/recorder_for_test.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

constexpr std::string_view kUpgrade =
    "POST /exec HTTP/1.1\r\nHost: c\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
    "X-Stream-Protocol-Version: v4\r\nX-Stream-Protocol-Version: v3\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kUpgradeEvent =
    "POST /exec at c x-stream-protocol-version=v4 x-stream-protocol-version=v3 content-length=0 "
    "upgrade to SPDY/3.1\n";

TEST(ServerUpgrade, UpgradesAndHoldsEarlyBytesUntilThen) {
  RecordingHandler handler;
  handler.answer_early = true;
  handler.answer = [](auto&, auto&) {};
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive(std::string(kUpgrade) + "early"));
  EXPECT_EQ(Flush(*session), "");
  EXPECT_EQ(handler.transcript.Text(), kUpgradeEvent);
  handler.last_stream->SendHead({.status = 101, .protocol = "SPDY/3.1"}, false);
  EXPECT_EQ(handler.transcript.Text(), kUpgradeEvent) << "no call back from SendHead";
  handler.last_stream->SendBody("raw");
  EXPECT_EQ(Flush(*session),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
            "raw");
  ASSERT_TRUE(session->Receive(" and late\r\n\r\nGET"));
  EXPECT_EQ(handler.transcript.Text(),
            std::string(kUpgradeEvent) + "body early and late\r\n\r\nGET\n");
}

TEST(ServerUpgrade, HalfClosesAnUpgradeInEitherOrder) {
  for (const bool client_first : {true, false}) {
    RecordingHandler handler;
    handler.answer_early = true;
    handler.answer = [](auto&, auto& stream) { stream.SendHead({.status = 101}, false); };
    auto session = ServerSession::Make(handler);
    ASSERT_TRUE(session->Receive(kUpgrade));
    Flush(*session);
    if (client_first) {
      ASSERT_TRUE(session->Receive("last"));
      session->ReceiveEof();
      EXPECT_EQ(handler.transcript.Text(), std::string(kUpgradeEvent) + "body last\nend\n");
      EXPECT_FALSE(session->Finished());
      EXPECT_FALSE(session->WantsHalfClose());
      handler.last_stream->SendBody("exit code");
      handler.last_stream->SendEnd();
      EXPECT_EQ(Flush(*session), "exit code");
    } else {
      handler.last_stream->SendBody("exit code");
      handler.last_stream->SendEnd();
      EXPECT_FALSE(session->WantsHalfClose()) << "before the last byte left";
      EXPECT_EQ(Flush(*session), "exit code");
      EXPECT_TRUE(session->WantsHalfClose());
      EXPECT_TRUE(session->WantsRead());
      EXPECT_FALSE(session->Finished());
      ASSERT_TRUE(session->Receive("last"));
      session->ReceiveEof();
      EXPECT_EQ(handler.transcript.Text(), std::string(kUpgradeEvent) + "body last\nend\n");
    }
    EXPECT_TRUE(session->Finished());
    EXPECT_EQ(session->OpenStreams(), 0U);
    session->ConnectionLost();
    EXPECT_EQ(handler.transcript.Text(), std::string(kUpgradeEvent) + "body last\nend\n");
  }
}

// CVE-2018-1002105: what was smuggled behind a refused upgrade must go nowhere.
TEST(ServerUpgrade, ParsesNothingBehindARefusedUpgrade) {
  RecordingHandler handler;
  handler.answer_early = true;
  handler.answer = [](auto&, auto& stream) {
    stream.SendHead({.status = 403, .fields = {{"content-length", "2"}}}, false);
    stream.SendBody("no");
    stream.SendEnd();
  };
  const Outcome outcome =
      Serve(handler, {std::string(kUpgrade) + "GET /secrets HTTP/1.1\r\nHost: c\r\n\r\n"});
  EXPECT_EQ(outcome.output,
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(outcome.events, std::string(kUpgradeEvent) + "reset no_error\n");
  EXPECT_TRUE(outcome.finished);
}

}  // namespace
}  // namespace mk8s::h1
