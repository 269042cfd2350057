// The serving end against tables of raw bytes, each cut at every place.
#include "base/limits.h"
#include "h1/recorder_for_test.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

struct Outcome {
  std::string events;
  std::string output;
  bool finished = false;
  bool failed = false;
};

std::string Flush(http::Session& session) {
  std::string all;
  for (;;) {
    std::string out;
    session.Produce(out, 64);
    if (out.empty()) return all;
    all += out;
  }
}

// The request id is random.
std::string WithoutRequestId(std::string text) {
  for (const std::string_view mark : {"X-Request-Id: ", "\"request_id\":\""}) {
    if (const auto at = text.find(mark); at != std::string::npos) {
      text.replace(at + mark.size(), 36, "ID");
    }
  }
  return text;
}

Outcome Serve(RecordingHandler& handler, const std::vector<std::string_view>& pieces) {
  auto session = ServerSession::Make(handler);
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    if (!session->Receive(piece)) outcome.failed = true;
    outcome.output += Flush(*session);
  }
  outcome.finished = session->Finished();
  outcome.events = handler.transcript.Text();
  outcome.output = WithoutRequestId(outcome.output);
  session->ConnectionLost();
  return outcome;
}

std::vector<std::vector<std::string_view>> Cuts(std::string_view bytes) {
  std::vector<std::vector<std::string_view>> cuts = {{bytes}, {}};
  for (std::size_t i = 0; i < bytes.size(); ++i) cuts[1].push_back(bytes.substr(i, 1));
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    cuts.push_back({bytes.substr(0, i), bytes.substr(i)});
  }
  return cuts;
}

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

struct Refused {
  std::string name;
  std::string input;
  int status = 400;
  std::string events = {};  // the handler hears
};

std::string Post(std::string_view framing, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: c\r\n" + std::string(framing) + "\r\n\r\n" + std::string(body);
}

TEST(ServerSession, RefusesWhatTwoParsersCouldReadDifferently) {
  const std::string chunked = "Transfer-Encoding: chunked";
  const std::string begun = "POST / at c\nreset protocol_error\n";
  const Refused table[] = {
      {"length and coding", Post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n")},
      {"coding and length", Post("Transfer-Encoding: chunked\r\nContent-Length: 3", "0\r\n\r\n")},
      {"two lengths", Post("Content-Length: 3\r\nContent-Length: 4", "abc")},
      {"two equal lengths", Post("Content-Length: 3\r\nContent-Length: 3", "abc")},
      {"list of lengths", Post("Content-Length: 3, 3", "abc")},
      {"signed length", Post("Content-Length: +3", "abc")},
      {"negative length", Post("Content-Length: -3", "abc")},
      {"hexadecimal length", Post("Content-Length: 0x3", "abc")},
      {"empty length", Post("Content-Length:", "abc")},
      {"huge length", Post("Content-Length: 18446744073709551616", "abc")},
      {"other coding", Post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")},
      {"identity", Post("Transfer-Encoding: identity", "")},
      {"quoted coding", Post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n")},
      {"coding with a vertical tab", Post("Transfer-Encoding: \vchunked", "0\r\n\r\n")},
      {"repeated coding", Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "")},
      {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"bare LF", "GET / HTTP/1.1\nHost: c\n\n"},
      {"bare LF in a field", "GET / HTTP/1.1\r\nHost: c\nX: y\r\n\r\n"},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: c\r\n\n"},
      {"bare CR", "GET / HTTP/1.1\r\nHost: c\r\nX: a\rb\r\n\r\n"},
      {"CR CR LF", "GET / HTTP/1.1\r\r\nHost: c\r\n\r\n"},
      {"folded", "GET / HTTP/1.1\r\nHost: c\r\nX: a\r\n b\r\n\r\n"},
      {"folded by a tab", "GET / HTTP/1.1\r\nHost: c\r\nX: a\r\n\tb\r\n\r\n"},
      {"folded first field", "GET / HTTP/1.1\r\n Host: c\r\n\r\n"},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : c\r\n\r\n"},
      {"no colon", "GET / HTTP/1.1\r\nHost: c\r\nX\r\n\r\n"},
      {"no name", "GET / HTTP/1.1\r\nHost: c\r\n: x\r\n\r\n"},
      {"NUL in a value", "GET / HTTP/1.1\r\nHost: c\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n"},
      {"escape in a value", "GET / HTTP/1.1\r\nHost: c\r\nX: a\x1b[0m\r\n\r\n"},
      {"DEL in a value", "GET / HTTP/1.1\r\nHost: c\r\nX: a\x7f\r\n\r\n"},
      {"non-ASCII name", "GET / HTTP/1.1\r\nHost: c\r\nX\xc3\xa9: a\r\n\r\n"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: c\r\nHost: c\r\n\r\n"},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: c/evil\r\n\r\n"},
      {"Host with a user", "GET / HTTP/1.1\r\nHost: a@c\r\n\r\n"},
      {"absolute form", "GET http://c/ HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"authority form", "CONNECT c:443 HTTP/1.1\r\nHost: c:443\r\n\r\n"},
      {"CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"fragment", "GET /#x HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"non-ASCII target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"control byte in the target", "GET /\x01 HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"bad method", "G@T / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"HTTP/0.9", "GET /\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: c\r\n\r\n"},
      {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"TLS on a plain port", "\x16\x03\x01\x02\n"},
      {"nominated Impersonate-User",
       "GET / HTTP/1.1\r\nHost: c\r\nConnection: close, Impersonate-User\r\n\r\n"},
      {"nominated Authorization",
       "GET / HTTP/1.1\r\nHost: c\r\nConnection: authorization\r\nAuthorization: x\r\n\r\n"},
      {"unknown expectation", "GET / HTTP/1.1\r\nHost: c\r\nExpect: 200-maybe\r\n\r\n"},
      {"upgrade with a body",
       Post("Connection: upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 1", "x")},
      {"target too long", "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: c\r\n\r\n", 414},
      {"target without end", "GET /" + std::string(20'000, 'a'), 414},
      {"fields too large", "GET / HTTP/1.1\r\nHost: c\r\nX: " + std::string(70'000, 'a'), 431},
      {"chunk size", Post(chunked, "x\r\nabc"), 400, begun},
      {"empty chunk size", Post(chunked, "\r\nabc"), 400, begun},
      {"signed chunk size", Post(chunked, "+3\r\nabc\r\n"), 400, begun},
      {"hexadecimal prefix", Post(chunked, "0x3\r\nabc\r\n\r\n"), 400, begun},
      {"chunk size overflows", Post(chunked, "ffffffffffffffff0\r\nabc\r\n"), 400, begun},
      {"space behind the size", Post(chunked, "3 \r\nabc\r\n"), 400, begun},
      {"bare LF behind the size", Post(chunked, "3\nabc\r\n0\r\n\r\n"), 400, begun},
      {"bare LF in an extension", Post(chunked, "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), 400, begun},
      {"long extension", Post(chunked, "3;a=" + std::string(300, 'b') + "\r\nabc\r\n"), 400, begun},
      {"folded trailer", Post(chunked, "0\r\nX: a\r\n b\r\n\r\n"), 400, begun},
      {"length in a trailer", Post(chunked, "0\r\nContent-Length: 5\r\n\r\n"), 400, begun},
      {"chunk longer than its size", Post(chunked, "2\r\nabc\r\n0\r\n\r\n"), 400,
       "POST / at c\nbody ab\nreset protocol_error\n"},
  };
  for (const Refused& row : table) {
    const auto cuts = row.input.size() < 400
                          ? Cuts(row.input)
                          : std::vector<std::vector<std::string_view>>{{row.input}};
    for (const auto& pieces : cuts) {
      RecordingHandler handler;
      const Outcome outcome = Serve(handler, pieces);
      SCOPED_TRACE(row.name + " cut into " + std::to_string(pieces.size()) + ", first " +
                   std::to_string(pieces[0].size()));
      ASSERT_EQ(outcome.events, row.events);
      ASSERT_EQ(outcome.output.substr(0, 12), "HTTP/1.1 " + std::to_string(row.status));
      ASSERT_NE(outcome.output.find("\r\nConnection: close\r\n"), std::string::npos);
      ASSERT_NE(outcome.output.find("{\"error\":{\"code\":\""), std::string::npos);
      ASSERT_NE(outcome.output.find("\"request_id\":\"ID\"}}\n"), std::string::npos);
      ASSERT_TRUE(outcome.finished);
      ASSERT_TRUE(outcome.failed);
    }
  }
}

TEST(ServerSession, BoundsTheNumberOfFields) {
  for (const std::size_t extra : {std::size_t{0}, std::size_t{1}}) {
    std::string input = "GET / HTTP/1.1\r\nHost: c\r\n";
    for (std::size_t i = 1; i < limits::kHeaderFieldsMax + extra; ++i) input += "A: b\r\n";
    RecordingHandler handler;
    const Outcome outcome = Serve(handler, {input + "\r\n"});
    EXPECT_EQ(outcome.output.substr(9, 3), extra == 0 ? "200" : "431");
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
    EXPECT_EQ(Flush(*session), kOk);
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

constexpr std::string_view kUpgrade =
    "POST /exec HTTP/1.1\r\nHost: c\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
    "X-Stream-Protocol-Version: v4\r\nX-Stream-Protocol-Version: v3\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kUpgradeEvent =
    "POST /exec at c x-stream-protocol-version=v4 x-stream-protocol-version=v3 content-length=0 "
    "upgrade to SPDY/3.1\n";

TEST(ServerSession, UpgradesAndHoldsEarlyBytesUntilThen) {
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

TEST(ServerSession, HalfClosesAnUpgradeInEitherOrder) {
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
TEST(ServerSession, ParsesNothingBehindARefusedUpgrade) {
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
