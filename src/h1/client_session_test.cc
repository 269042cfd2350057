// The asking end against tables of raw responses, each cut at every place.
#include "base/limits.h"
#include "h1/recorder_for_test.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

http::RequestHead Get(std::string method = "GET") {
  return {.method = std::move(method), .authority = "api:6443", .target = "/api"};
}

http::RequestHead Exec() {
  http::RequestHead head = Get("POST");
  head.protocol = "SPDY/3.1";
  head.fields = {{"x-stream-protocol-version", "v4"}, {"x-stream-protocol-version", "v3"}};
  return head;
}

struct Asked {
  Transcript transcript;
  std::unique_ptr<ClientSession> session = ClientSession::Make();
  std::shared_ptr<RecordingEvents> events = std::make_shared<RecordingEvents>(transcript);
  std::shared_ptr<http::Stream> stream;

  std::string Send(const http::RequestHead& head, bool end = true) {
    events = std::make_shared<RecordingEvents>(transcript);
    stream = session->Send(head, end, events);
    events->stream = stream;
    return Flush(*session);
  }
};

struct Row {
  std::string name;
  http::RequestHead head;
  std::string response;
  std::string events;
  bool reusable = true;
  bool eof = false;  // the server closes behind it
  bool failed = false;
};

void Check(const Row& row, const std::vector<std::string_view>& pieces) {
  SCOPED_TRACE(row.name + " cut into " + std::to_string(pieces.size()) + ", first " +
               std::to_string(pieces[0].size()));
  Asked asked;
  asked.Send(row.head);
  bool failed = false;
  for (const std::string_view piece : pieces) {
    if (!asked.session->Receive(piece)) failed = true;
    Flush(*asked.session);
  }
  if (row.eof) asked.session->ReceiveEof();
  ASSERT_EQ(asked.transcript.Text(), row.events);
  ASSERT_EQ(asked.session->CanSend(), row.reusable);
  ASSERT_EQ(asked.session->Finished(), !row.reusable);
  ASSERT_EQ(failed, row.failed);
  ASSERT_EQ(asked.session->OpenStreams(), 0U);
}

TEST(ClientSession, ReadsResponsesHoweverTheBytesAreCut) {
  const std::string broken = "reset protocol_error\n";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Row table[] = {
      {"length", Get(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\nhello",
       "200 content-length=5 etag=\"x\"\nbody hello\nend\n"},
      {"no body", Get(), "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
       "201 content-length=0 end\n"},
      {"chunked", Get(), chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n",
       "200\nbody hello\nend x-sum=1\n"},
      {"204", Get(), "HTTP/1.1 204 No Content\r\n\r\n", "204 end\n"},
      {"304 with a length", Get(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
       "304 content-length=7 end\n"},
      {"HEAD", Get("HEAD"), "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
       "200 content-length=7 end\n"},
      {"interim responses", Get(),
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       "200 content-length=2\nbody ok\nend\n"},
      {"close", Get(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
       "200 content-length=2\nbody ok\nend\n", false},
      {"until the end", Get(), "HTTP/1.1 200 OK\r\n\r\nall of it", "200\nbody all of it\nend\n",
       false, true},
      {"HTTP/1.0", Get(), "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
       "200 content-length=2\nbody ok\nend\n", false},
      {"cut short", Get(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
       "200 content-length=5\nbody hel\nreset connection_lost\n", false, true},
      {"chunks cut short", Get(), chunked + "3\r\nhel\r\n",
       "200\nbody hel\nreset connection_lost\n", false, true},
      {"head cut short", Get(), "HTTP/1.1 200 OK\r\nConte", "reset connection_lost\n", false, true},
      {"nothing", Get(), "H", "reset connection_lost\n", false, true},
      {"length and coding", Get(),
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", broken, false,
       false, true},
      {"two lengths", Get(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
       broken, false, false, true},
      {"other coding", Get(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", broken, false,
       false, true},
      {"bare LF", Get(), "HTTP/1.1 200 OK\nContent-Length: 0\n\n", broken, false, false, true},
      {"folded", Get(), "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", broken, false, false, true},
      {"control byte", Get(), "HTTP/1.1 200 OK\r\nX: a\x01\r\n\r\n", broken, false, false, true},
      {"bad chunk", Get(), chunked + "zz\r\n", "200\n" + broken, false, false, true},
      {"not HTTP", Get(), "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", broken, false, false, true},
      {"status 099", Get(), "HTTP/1.1 099 Odd\r\n\r\n", broken, false, false, true},
      {"a second response", Get(),
       "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "204 end\n",
       false, false, true},
      {"101 unasked", Get(),
       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", broken,
       false, false, true},
      {"101 without a protocol", Exec(), "HTTP/1.1 101 Switching Protocols\r\n\r\n", broken, false,
       false, true},
      {"refused upgrade", Exec(), "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
       "403 content-length=2\nbody no\nend\n", false},
  };
  for (const Row& row : table) {
    Check(row, {row.response});
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < row.response.size(); ++i) {
      bytes.push_back(std::string_view(row.response).substr(i, 1));
      if (i == 0) continue;
      Check(row, {std::string_view(row.response).substr(0, i),
                  std::string_view(row.response).substr(i)});
    }
    Check(row, bytes);
  }
}

TEST(ClientSession, BoundsInterimResponses) {
  Asked asked;
  asked.Send(Get());
  std::string response;
  for (int i = 0; i <= limits::kInterimResponsesMax; ++i) response += "HTTP/1.1 102 P\r\n\r\n";
  EXPECT_FALSE(asked.session->Receive(response));
  EXPECT_EQ(asked.transcript.Text(), "reset protocol_error\n");
}

TEST(ClientSession, WritesRequests) {
  struct Written {
    std::string name;
    http::RequestHead head;
    bool end;
    std::string body;
    std::string output;
  };
  http::RequestHead with_length = Get("PUT");
  with_length.fields = {{"content-length", "5"}};
  http::RequestHead hostile = Get();
  hostile.fields = {{"x-a", "1\r\nX-B: 2"}, {"transfer-encoding", "chunked"}, {"host", "evil"}};
  const Written table[] = {
      {"GET", Get(), true, "", "GET /api HTTP/1.1\r\nHost: api:6443\r\n\r\n"},
      {"POST without a body", Get("POST"), true, "",
       "POST /api HTTP/1.1\r\nHost: api:6443\r\nContent-Length: 0\r\n\r\n"},
      {"chunked", Get("POST"), false, "hello",
       "POST /api HTTP/1.1\r\nHost: api:6443\r\nTransfer-Encoding: chunked\r\n\r\n"
       "5\r\nhello\r\n0\r\n\r\n"},
      {"length", with_length, false, "hello",
       "PUT /api HTTP/1.1\r\nHost: api:6443\r\nContent-Length: 5\r\n\r\nhello"},
      {"no splitting", hostile, true, "", "GET /api HTTP/1.1\r\nHost: api:6443\r\n\r\n"},
  };
  for (const Written& row : table) {
    Asked asked;
    std::string output = asked.Send(row.head, row.end);
    asked.stream->SendBody(row.body);
    asked.stream->SendEnd();
    output += Flush(*asked.session);
    EXPECT_EQ(output, row.output) << row.name;
    EXPECT_EQ(asked.events->sent, row.body.size()) << row.name;
  }
}

TEST(ClientSession, RefusesWhatCannotBeSent) {
  http::RequestHead bad_target = Get(), bad_method = Get("G T");
  bad_target.target = "/a b\r\nX: y";
  for (const auto& head : {bad_target, bad_method, Get("CONNECT")}) {
    Asked asked;
    EXPECT_EQ(asked.Send(head), "");
    EXPECT_EQ(asked.transcript.Text(), "reset refused\n");
    EXPECT_TRUE(asked.session->CanSend());
  }
  Asked asked;
  asked.Send(Get());
  EXPECT_FALSE(asked.session->CanSend());
  EXPECT_EQ(asked.Send(Get()), "") << "one at a time";
  EXPECT_EQ(asked.transcript.Text(), "reset refused\n");
}

TEST(ClientSession, ReusesTheConnectionOnlyAfterAWholeExchange) {
  Asked asked;
  for (int i = 0; i < 3; ++i) {
    asked.Send(Get());
    ASSERT_TRUE(asked.session->Receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    ASSERT_TRUE(asked.session->CanSend());
  }
  asked.transcript = {};
  asked.Send(Get("POST"), false);
  ASSERT_TRUE(asked.session->Receive("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"));
  EXPECT_EQ(asked.transcript.Text(), "413 content-length=2\nbody no\nend\nreset no_error\n");
  EXPECT_TRUE(asked.session->Finished());
}

TEST(ClientSession, BodyOfAnotherLengthThanAnnouncedBreaksTheExchange) {
  Asked asked;
  http::RequestHead head = Get("PUT");
  head.fields = {{"content-length", "5"}};
  asked.Send(head, false);
  asked.stream->SendBody("hel");
  asked.stream->SendEnd();
  EXPECT_EQ(Flush(*asked.session), "hel");
  EXPECT_EQ(asked.transcript.Text(), "reset internal\n");
  EXPECT_TRUE(asked.session->Finished());
}

TEST(ClientSession, ResetClosesAndIsToldLater) {
  Asked asked;
  asked.Send(Get());
  asked.stream->Reset(http::ResetReason::kCancel);
  EXPECT_EQ(asked.transcript.Text(), "");
  EXPECT_EQ(Flush(*asked.session), "");
  EXPECT_EQ(asked.transcript.Text(), "reset cancelled\n");
  EXPECT_TRUE(asked.session->Finished());
}

TEST(ClientSession, StopsReadingWhileBodyBytesWait) {
  Asked asked;
  asked.session = ClientSession::Make({.window_bytes = 4});
  asked.Send(Get());
  asked.events->consume = false;
  ASSERT_TRUE(asked.session->Receive("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"));
  EXPECT_FALSE(asked.session->WantsRead());
  EXPECT_EQ(asked.transcript.Text(), "200 content-length=10\nbody 0123\n");
  asked.session->ReceiveEof();  // must not overtake what waits
  asked.stream->Consume(4);
  Flush(*asked.session);
  asked.stream->Consume(4);
  Flush(*asked.session);
  EXPECT_EQ(asked.transcript.Text(), "200 content-length=10\nbody 0123456789\nend\n");
}

TEST(ClientSession, ReadsALargeHeadInPieces) {
  Asked asked;
  asked.Send(Get());
  ASSERT_TRUE(asked.session->Receive("HTTP/1.1 204 No Content\r\nX: "));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(asked.session->WantsRead());
    ASSERT_TRUE(asked.session->Receive(std::string(16 * 1024, 'x')));
  }
  ASSERT_TRUE(asked.session->WantsRead());
  ASSERT_TRUE(asked.session->Receive("\r\n\r\n"));
  EXPECT_TRUE(asked.transcript.Text().starts_with("204 x=xxx"));
}

TEST(ClientSession, ReadsOnOnceRoomWasMadeWhateverStillWaits) {
  constexpr std::size_t kPiece = limits::kPipelinedBytesMax;
  Asked asked;
  asked.session = ClientSession::Make({.window_bytes = 2 * kPiece});
  asked.Send(Get());
  asked.events->consume = false;
  ASSERT_TRUE(asked.session->Receive("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
  ASSERT_TRUE(asked.session->Receive(std::string(3 * kPiece, 'x')));
  int wakeups = 0;
  asked.session->SetWakeup([&] { ++wakeups; });
  asked.stream->Consume(2 * kPiece);
  EXPECT_EQ(wakeups, 1);
  EXPECT_TRUE(asked.session->WantsRead());
  Flush(*asked.session);
  EXPECT_TRUE(asked.session->WantsRead());
}

constexpr std::string_view kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n";

TEST(ClientSession, UpgradesAndHoldsItsBytesUntilThen) {
  Asked asked;
  EXPECT_EQ(asked.Send(Exec(), false),
            "POST /api HTTP/1.1\r\nHost: api:6443\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            "X-Stream-Protocol-Version: v4\r\nX-Stream-Protocol-Version: v3\r\n"
            "Content-Length: 0\r\n\r\n");
  asked.stream->SendBody("early");
  EXPECT_EQ(Flush(*asked.session), "");
  ASSERT_TRUE(asked.session->Receive(std::string(kSwitched) + "with the head"));
  EXPECT_EQ(asked.transcript.Text(), "101 upgrade to SPDY/3.1\nbody with the head\n");
  EXPECT_EQ(Flush(*asked.session), "early");
  EXPECT_EQ(asked.events->sent, 5U);
}

TEST(ClientSession, HalfClosesAnUpgradeInEitherOrder) {
  for (const bool server_first : {true, false}) {
    Asked asked;
    asked.Send(Exec(), false);
    ASSERT_TRUE(asked.session->Receive(kSwitched));
    if (server_first) {
      ASSERT_TRUE(asked.session->Receive("exit code"));
      asked.session->ReceiveEof();
      EXPECT_FALSE(asked.session->Finished());
      asked.stream->SendBody("last");
      asked.stream->SendEnd();
      EXPECT_EQ(Flush(*asked.session), "last");
    } else {
      asked.stream->SendBody("last");
      asked.stream->SendEnd();
      EXPECT_EQ(Flush(*asked.session), "last");
      EXPECT_TRUE(asked.session->WantsHalfClose());
      EXPECT_FALSE(asked.session->Finished());
      ASSERT_TRUE(asked.session->Receive("exit code"));
      asked.session->ReceiveEof();
    }
    EXPECT_EQ(asked.transcript.Text(), "101 upgrade to SPDY/3.1\nbody exit code\nend\n");
    EXPECT_TRUE(asked.session->Finished());
    EXPECT_FALSE(asked.session->CanSend());
  }
}

TEST(ClientSession, RefusedUpgradeDropsWhatWasHeld) {
  Asked asked;
  asked.Send(Exec(), false);
  asked.stream->SendBody("never");
  ASSERT_TRUE(asked.session->Receive("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
  EXPECT_EQ(Flush(*asked.session), "");
  EXPECT_EQ(asked.transcript.Text(), "403 content-length=2\nbody no\nend\nreset no_error\n");
  EXPECT_TRUE(asked.session->Finished());
}

}  // namespace
}  // namespace mk8s::h1
