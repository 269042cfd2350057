// Both ends back to back, with bytes handed over in random pieces.
#include <random>

#include "h1/recorder_for_test.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

class Wire {
 public:
  Wire(http::Session& a, http::Session& b, unsigned seed) : a_(a), b_(b), random_(seed) {}

  // Until nothing moves.
  void Run() {
    while (Move(a_, b_) || Move(b_, a_)) {
    }
  }
  std::size_t bytes() const { return bytes_; }

 private:
  bool Move(http::Session& from, http::Session& to) {
    if (!to.WantsRead() && !to.Finished()) return false;
    std::string out;
    from.Produce(out, 1 + random_() % 5000);
    bytes_ += out.size();
    for (std::string_view rest = out; !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random_() % 3000);
      EXPECT_TRUE(to.Receive(rest.substr(0, size)));
      rest.remove_prefix(size);
    }
    return !out.empty();
  }

  http::Session& a_;
  http::Session& b_;
  std::mt19937 random_;
  std::size_t bytes_ = 0;
};

TEST(Pair, CarriesBodiesBothWays) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    RecordingHandler handler;
    std::string response(random() % 200'000, 'r');
    const bool with_length = seed % 2 == 0;
    handler.answer = [&](http::RequestHead&, http::ResponseStream& stream) {
      http::ResponseHead head;
      if (with_length) head.fields.Add("content-length", std::to_string(response.size()));
      stream.SendHead(head, false);
      stream.SendBody(response);
      stream.SendEnd();
    };
    auto server = ServerSession::Make(handler);
    auto client = ClientSession::Make();
    Wire wire(*client, *server, seed);
    for (int i = 0; i < 3; ++i) {
      Transcript heard;
      auto events = std::make_shared<RecordingEvents>(heard);
      std::string body(1 + random() % 200'000, 'q');
      http::RequestHead head{.method = "POST", .authority = "c", .target = "/x"};
      if (!with_length) head.fields.Add("content-length", std::to_string(body.size()));
      handler.transcript = {};
      ASSERT_TRUE(client->CanSend());
      events->stream = client->Send(head, false, events);
      events->stream->SendBody(body);
      events->stream->SendEnd();
      wire.Run();
      const std::string length =
          with_length ? "" : " content-length=" + std::to_string(body.size());
      ASSERT_EQ(handler.transcript.Text(), "POST /x at c" + length + "\nbody " + body + "\nend\n");
      ASSERT_TRUE(heard.Text().ends_with("\nbody " + response + "\nend\n") ||
                  (response.empty() && events->ended));
      ASSERT_EQ(events->sent, body.size());
      ASSERT_EQ(handler.last_events->sent, response.size());
    }
  }
}

TEST(Pair, EchoesAnUpgradedStreamToTheLastByte) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    RecordingHandler handler;
    handler.answer_early = true;
    handler.answer = [](http::RequestHead& head, http::ResponseStream& stream) {
      stream.SendHead({.status = 101, .protocol = head.protocol}, false);
    };
    auto server = ServerSession::Make(handler);
    auto client = ClientSession::Make();
    Transcript heard;
    auto events = std::make_shared<RecordingEvents>(heard);
    events->stream = client->Send(
        {.method = "GET", .authority = "c", .target = "/exec", .protocol = "websocket"}, false,
        events);
    Wire wire(*client, *server, seed);
    wire.Run();
    handler.last_events->echo = true;
    handler.last_events->on_end = [&] { handler.last_stream->SendEnd(); };
    std::string sent;
    for (int i = 0; i < 20; ++i) {
      std::string piece(1 + (seed * 37 + static_cast<unsigned>(i) * 101) % 9000,
                        static_cast<char>('a' + i));
      sent += piece;
      events->stream->SendBody(piece);
      wire.Run();
    }
    events->stream->SendEnd();
    wire.Run();
    ASSERT_TRUE(client->WantsHalfClose());
    server->ReceiveEof();
    wire.Run();
    ASSERT_TRUE(server->Finished());
    client->ReceiveEof();
    ASSERT_TRUE(client->Finished());
    ASSERT_EQ(heard.Text(), "101 upgrade to websocket\nbody " + sent + "\nend\n");
  }
}

}  // namespace
}  // namespace mk8s::h1
