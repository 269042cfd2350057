// The serving end against tables of raw bytes, each cut at every place.
#include "base/limits.h"
#include "h1/recorder_for_test.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkClose =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

struct Accepted {
  std::string name;
  std::string input;
  std::string events;
  std::string output;
  bool finished = false;
};

TEST(ServerSession, ReadsRequestsHoweverTheBytesAreCut) {
  const std::string ok(kOk), ok_close(kOkClose);
  const Accepted table[] = {
      {"plain", "GET /api/v1/pods?limit=5 HTTP/1.1\r\nHost: c:443\r\nAccept: a/b\r\n\r\n",
       "GET /api/v1/pods?limit=5 at c:443 accept=a/b end\n", ok},
      {"pipelined in order", "GET /a HTTP/1.1\r\nHost: c\r\n\r\nGET /b HTTP/1.1\r\nHost: c\r\n\r\n",
       "GET /a at c end\nGET /b at c end\n", ok + ok},
      {"length", "POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 5\r\n\r\nhello",
       "POST / at c content-length=5\nbody hello\nend\n", ok},
      {"empty length", "POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 0\r\n\r\n",
       "POST / at c content-length=0 end\n", ok},
      {"chunked with trailer",
       "POST / HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: Chunked\r\n\r\n"
       "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\nGET /b HTTP/1.1\r\nHost: c\r\n\r\n",
       "POST / at c\nbody hello\nend x-sum=1\nGET /b at c end\n", ok + ok},
      {"empty chunked", "PUT / HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "PUT / at c\nend\n", ok},
      {"close", "GET / HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n",
       "GET / at c end\n", ok_close, true},
      {"HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / at  end\n", ok_close,
       true},
      {"hop-by-hop fields",
       "GET / HTTP/1.1\r\nHost: c\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nTE: "
       "trailers\r\n"
       "Keep-Alive: 5\r\nProxy-Connection: x\r\nTrailer: y\r\nUpgrade: websocket\r\nX-Two: "
       "2\r\n\r\n",
       "GET / at c x-two=2 end\n", ok},
      {"repeated fields", "GET / HTTP/1.1\r\nHost: c\r\nX-A: 1\r\nx-a:2\r\n\r\n",
       "GET / at c x-a=1 x-a=2 end\n", ok},
      {"h2c is ignored",
       "GET / HTTP/1.1\r\nHost: c\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
       "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
       "GET / at c end\n", ok},
  };
  for (const Accepted& row : table) {
    for (const auto& pieces : Cuts(row.input)) {
      RecordingHandler handler;
      const Outcome outcome = Serve(handler, pieces);
      SCOPED_TRACE(row.name + " cut into " + std::to_string(pieces.size()) + ", first " +
                   std::to_string(pieces[0].size()));
      ASSERT_EQ(outcome.events, row.events);
      ASSERT_EQ(outcome.output, row.output);
      ASSERT_EQ(outcome.finished, row.finished);
      ASSERT_FALSE(outcome.failed);
    }
  }
}

TEST(ServerSession, FramesResponses) {
  struct Row {
    std::string name;
    std::string request;
    RecordingHandler::Answer answer;
    std::string output;
    bool finished = false;
  };
  const std::string get = "GET / HTTP/1.1\r\nHost: c\r\n\r\n";
  const Row table[] = {
      {"chunked with trailer", get,
       [](auto&, auto& stream) {
         stream.SendHead({}, false);
         stream.SendBody("hel");
         stream.SendBody("lo");
         stream.SendEnd({{"x-sum", "1"}});
       },
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"},
      {"no body", get, [](auto&, auto& stream) { stream.SendHead({.status = 201}, true); },
       "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
      {"204", get, [](auto&, auto& stream) { stream.SendHead({.status = 204}, true); },
       "HTTP/1.1 204 No Content\r\n\r\n"},
      {"304 keeps its length", get,
       [](auto&, auto& stream) {
         stream.SendHead({.status = 304, .fields = {{"content-length", "9"}}}, true);
       },
       "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"},
      {"HEAD", "HEAD / HTTP/1.1\r\nHost: c\r\n\r\n",
       [](auto&, auto& stream) {
         stream.SendHead({.fields = {{"content-length", "5"}}}, false);
         stream.SendBody("hello");
         stream.SendEnd();
       },
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
      {"HTTP/1.0 until the end", "GET / HTTP/1.0\r\n\r\n",
       [](auto&, auto& stream) {
         stream.SendHead({}, false);
         stream.SendBody("hello");
         stream.SendEnd();
       },
       "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", true},
      {"shorter than announced", get,
       [](auto&, auto& stream) {
         stream.SendHead({.fields = {{"content-length", "5"}}}, false);
         stream.SendBody("hel");
         stream.SendEnd();
       },
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true},
      {"longer than announced", get,
       [](auto&, auto& stream) {
         stream.SendHead({.fields = {{"content-length", "2"}}}, false);
         stream.SendBody("hello");
         stream.SendEnd();
       },
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhe", true},
      {"no splitting", get,
       [](auto&, auto& stream) {
         stream.SendHead({.fields = {{"x-a", "1\r\nX-B: 2"}, {"x c", "3"}, {"connection", "x"}}},
                         true);
       },
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"101 unasked", get, [](auto&, auto& stream) { stream.SendHead({.status = 101}, false); }, "",
       true},
      {"reset before the head", get,
       [](auto&, auto& stream) { stream.Reset(http::ResetReason::kInternal); }, "", true},
  };
  for (const Row& row : table) {
    RecordingHandler handler;
    handler.answer = row.answer;
    const Outcome outcome = Serve(handler, {row.request});
    EXPECT_EQ(outcome.output, row.output) << row.name;
    EXPECT_EQ(outcome.finished, row.finished) << row.name;
  }
}

TEST(ServerSession, ResetAfterTheHeadCutsTheBodyShort) {
  RecordingHandler handler;
  handler.answer = [](auto&, auto& stream) { stream.SendHead({}, false); };
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive("GET / HTTP/1.1\r\nHost: c\r\n\r\n"));
  handler.last_stream->SendBody("hello");
  EXPECT_EQ(Flush(*session), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  handler.last_stream->Reset(http::ResetReason::kInternal);
  EXPECT_EQ(Flush(*session), "");
  EXPECT_TRUE(session->Finished());
}

TEST(ServerSession, ContinuesOnlyWhenAsked) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: c\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  RecordingHandler handler;
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive(head));
  EXPECT_EQ(Flush(*session), "");
  handler.last_stream->SendContinue();
  handler.last_stream->SendContinue();
  EXPECT_EQ(Flush(*session), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(session->Receive("hi"));
  EXPECT_EQ(Flush(*session), kOk);
  EXPECT_FALSE(session->Finished());

  // Refused instead: whether the body follows cannot be known, so the connection ends.
  RecordingHandler refusing;
  refusing.answer_early = true;
  refusing.answer = [](auto&, auto& stream) { stream.SendHead({.status = 403}, true); };
  const Outcome outcome = Serve(refusing, {head});
  EXPECT_EQ(outcome.output,
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(outcome.finished);
}

TEST(ServerSession, DropsABoundedRestOfABodyThatWasAnsweredEarly) {
  for (const std::size_t size : {std::size_t{1000}, limits::kDiscardedBodyBytesMax + 1}) {
    RecordingHandler handler;
    handler.answer_early = true;
    auto session = ServerSession::Make(handler);
    ASSERT_TRUE(session->Receive(
        "PUT / HTTP/1.1\r\nHost: c\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"));
    EXPECT_EQ(session->OpenStreams(), 1U);
    EXPECT_EQ(Flush(*session), kOk);
    EXPECT_EQ(session->OpenStreams(), 0U) << "the connection's deadlines count from here";
    ASSERT_TRUE(session->Receive(std::string(size, 'x')));
    const bool small = size == 1000;
    EXPECT_EQ(session->Finished(), !small);
    handler.answer_early = false;
    ASSERT_TRUE(session->Receive("GET /b HTTP/1.1\r\nHost: c\r\n\r\n"));
    EXPECT_EQ(Flush(*session), small ? kOk : "");
  }
}

TEST(ServerSession, StopsReadingWhileBodyBytesWait) {
  RecordingHandler handler;
  auto session = ServerSession::Make(handler, {.window_bytes = 10});
  int wakeups = 0;
  session->SetWakeup([&] { ++wakeups; });
  ASSERT_TRUE(session->Receive("PUT / HTTP/1.1\r\nHost: c\r\nContent-Length: 15\r\n\r\n"));
  handler.last_events->consume = false;
  EXPECT_TRUE(session->WantsRead());
  ASSERT_TRUE(session->Receive("0123456789abcde"));
  EXPECT_FALSE(session->WantsRead());
  const std::string head = "PUT / at c content-length=15\n";
  EXPECT_EQ(handler.transcript.Text(), head + "body 0123456789\n");
  EXPECT_EQ(wakeups, 0);
  handler.last_stream->Consume(4);
  EXPECT_EQ(handler.transcript.Text(), head + "body 0123456789\n") << "no call back from Consume";
  EXPECT_EQ(wakeups, 1);
  Flush(*session);
  EXPECT_EQ(handler.transcript.Text(), head + "body 0123456789abcd\n");
  handler.last_stream->Consume(10);
  EXPECT_EQ(Flush(*session), kOk);
  EXPECT_EQ(handler.transcript.Text(), head + "body 0123456789abcde\nend\n");
}

// The transport looks when it is woken, and before it flushes: both must find that there is room.
TEST(ServerSession, ReadsOnOnceRoomWasMadeWhateverStillWaits) {
  constexpr std::size_t kPiece = limits::kPipelinedBytesMax;
  RecordingHandler handler;
  auto session = ServerSession::Make(handler, {.window_bytes = 2 * kPiece});
  int wakeups = 0;
  session->SetWakeup([&] { ++wakeups; });
  ASSERT_TRUE(session->Receive("PUT / HTTP/1.1\r\nHost: c\r\nContent-Length: 1000000\r\n\r\n"));
  handler.last_events->consume = false;
  ASSERT_TRUE(session->Receive(std::string(3 * kPiece, 'x')));
  handler.last_stream->Consume(2 * kPiece);
  EXPECT_EQ(wakeups, 1);
  EXPECT_TRUE(session->WantsRead());
  Flush(*session);
  EXPECT_TRUE(session->WantsRead());
}

// The client has all of the body, by its length, before we hear that it ended, and asks again at
// once.
TEST(ServerSession, TakesUpARequestThatCameBeforeTheEndWasKnown) {
  RecordingHandler handler;
  handler.answer = [](auto&, auto& stream) {
    stream.SendHead({.fields = {{"content-length", "2"}}}, false);
    stream.SendBody("ok");
  };
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive("GET /a HTTP/1.1\r\nHost: c\r\n\r\n"));
  EXPECT_TRUE(Flush(*session).ends_with("ok"));
  const auto first = handler.last_stream;
  ASSERT_TRUE(session->Receive("GET /b HTTP/1.1\r\nHost: c\r\n\r\n"));
  EXPECT_EQ(Flush(*session), "");
  first->SendEnd();
  EXPECT_TRUE(Flush(*session).ends_with("ok")) << handler.transcript.Text();
}

// A head may be larger than what may wait behind an exchange.
TEST(ServerSession, ReadsALargeHeadInPieces) {
  RecordingHandler handler;
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive("GET / HTTP/1.1\r\nHost: c\r\nX: "));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(session->WantsRead());
    ASSERT_TRUE(session->Receive(std::string(limits::kPipelinedBytesMax, 'x')));
  }
  ASSERT_TRUE(session->WantsRead());
  ASSERT_TRUE(session->Receive("\r\n\r\n"));
  EXPECT_EQ(Flush(*session), kOk);
}

TEST(ServerSession, BoundsWhatIsPipelined) {
  RecordingHandler handler;
  handler.answer = [](auto&, auto&) {};
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive("GET /a HTTP/1.1\r\nHost: c\r\n\r\n"));
  ASSERT_TRUE(session->Receive("GET /b HTTP/1.1\r\nHost: c\r\n\r\n"));
  EXPECT_TRUE(session->WantsRead());
  ASSERT_TRUE(session->Receive(std::string(limits::kPipelinedBytesMax, 'x')));
  EXPECT_FALSE(session->WantsRead());
  EXPECT_EQ(handler.transcript.Text(), "GET /a at c end\n");
}

TEST(ServerSession, TreatsTheEndOfInputAsAClientThatLeft) {
  RecordingHandler handler;
  handler.answer = [](auto&, auto& stream) { stream.SendHead({}, false); };
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive("GET /watch HTTP/1.1\r\nHost: c\r\n\r\n"));
  Flush(*session);
  session->ReceiveEof();
  EXPECT_EQ(handler.transcript.Text(), "GET /watch at c end\nreset cancelled\n");
  EXPECT_TRUE(session->Finished());
  handler.last_stream->SendBody("too late");
  EXPECT_EQ(Flush(*session), "");
}

TEST(ServerSession, DrainsBetweenExchanges) {
  RecordingHandler handler;
  handler.answer = [](auto&, auto&) {};
  auto session = ServerSession::Make(handler);
  ASSERT_TRUE(session->Receive("GET /a HTTP/1.1\r\nHost: c\r\n\r\nGET /b HTTP/1.1\r\n"));
  session->Drain();
  EXPECT_FALSE(session->Finished());
  handler.last_stream->SendHead({.status = 204}, true);
  EXPECT_EQ(Flush(*session), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(session->Finished());
  EXPECT_EQ(session->OpenStreams(), 0U);
}

TEST(ServerSession, OutlivedStreamsDoNothing) {
  RecordingHandler handler;
  handler.answer = [](auto&, auto&) {};
  {
    auto session = ServerSession::Make(handler);
    ASSERT_TRUE(session->Receive("GET / HTTP/1.1\r\nHost: c\r\n\r\n"));
    session->ConnectionLost();
  }
  EXPECT_EQ(handler.transcript.Text(), "GET / at c end\nreset connection_lost\n");
  handler.last_stream->SendHead({}, true);
  handler.last_stream->Consume(1);
  handler.last_stream->Reset(http::ResetReason::kCancel);
}

}  // namespace
}  // namespace mk8s::h1
