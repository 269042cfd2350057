// A connection from handshake to end, over real sockets on loopback.
#include <openssl/ssl.h>

#include "net/test_server.h"

namespace mk8s::net {
namespace {

class ConnectionTest : public LoopbackTest {};

TEST_F(ConnectionTest, EchoesWithAndWithoutTls) {
  ListenEcho({});
  auto plain = DialLoopback(nullptr);
  ASSERT_TRUE(plain);
  EXPECT_FALSE((*plain)->encrypted());
  EXPECT_EQ((*plain)->peer_ip(), "127.0.0.1");
  EXPECT_EQ((*plain)->peer_endpoint(), "127.0.0.1:" + std::to_string(listener_->port()));
  EXPECT_EQ(RoundTrip(*plain, "hello"), "hello");

  ListenEcho({.tls = ServerTls()});
  auto tls = DialLoopback(ClientTls());
  ASSERT_TRUE(tls) << tls.error().message;
  EXPECT_TRUE((*tls)->encrypted());
  EXPECT_EQ(RoundTrip(*tls, "hello"), "hello");
}

TEST_F(ConnectionTest, MovesMegabytesBothWaysUnharmed) {
  ListenEcho({.tls = ServerTls()});
  auto connection = DialLoopback(ClientTls());
  ASSERT_TRUE(connection) << connection.error().message;
  std::string bytes(8 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 9);
  EXPECT_TRUE(RoundTrip(*connection, bytes) == bytes);
}

TEST_F(ConnectionTest, AStalledReaderStopsTheWriterAndLosesNothing) {
  constexpr std::size_t kTotal = 32 * 1024 * 1024;
  std::atomic<std::size_t> produced = 0;
  Listen({.tls = ServerTls()}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->on_sent = [&](RawSession& self, std::size_t size) {
      if ((produced += size) < kTotal) self.Send(std::string(64 * 1024, 'x'));
      if (produced >= kTotal) self.Finish();
    };
    session->Send(std::string(64 * 1024, 'x'));
    connection->Attach(std::move(session), NoDeadlines());
  });
  auto dialed = DialLoopback(ClientTls());
  ASSERT_TRUE(dialed);
  std::atomic<std::size_t> got = 0;
  std::promise<void> ended;
  RawSession* reader = nullptr;
  OnLoop(loops_.at(0), [&] {
    auto session = std::make_unique<RawSession>();
    session->wants_read = false;
    session->on_bytes = [&](RawSession&, std::string_view bytes) { got += bytes.size(); };
    session->on_eof = [&](RawSession& self) {
      self.finished = true;
      ended.set_value();
    };
    reader = session.get();
    (*dialed)->Attach(std::move(session), NoDeadlines());
    return true;
  });
  // What the two sockets hold, and no more.
  ASSERT_TRUE(Eventually([&, last = std::size_t{1}]() mutable {
    std::this_thread::sleep_for(milliseconds(50));
    return std::exchange(last, produced.load()) == produced;
  }));
  EXPECT_LT(produced, kTotal);
  EXPECT_EQ(got, 0u);
  OnLoop(loops_.at(0), [&] {
    reader->wants_read = true;
    reader->Wake();
    return true;
  });
  Await(ended.get_future());
  EXPECT_EQ(got, produced);
}

TEST_F(ConnectionTest, HalfCloseKeepsTheOtherDirectionOpen) {
  for (const bool tls : {false, true}) {
    Listen({.tls = tls ? ServerTls() : nullptr}, [&](std::shared_ptr<Connection> connection) {
      auto session = std::make_unique<RawSession>();
      auto got = std::make_shared<std::string>();
      session->on_bytes = [got](RawSession&, std::string_view bytes) { *got += bytes; };
      session->on_eof = [got](RawSession& self) {
        self.Send("after eof: " + *got);
        self.Finish();
      };
      connection->Attach(std::move(session), NoDeadlines());
    });
    auto dialed = DialLoopback(tls ? ClientTls() : nullptr);
    ASSERT_TRUE(dialed);
    std::promise<std::string> answer;
    (*dialed)->loop().Post([&] {
      auto session = std::make_unique<RawSession>();
      auto got = std::make_shared<std::string>();
      session->on_bytes = [got](RawSession&, std::string_view bytes) { *got += bytes; };
      session->on_eof = [&answer, got](RawSession& self) {
        answer.set_value(*got);
        self.finished = true;
      };
      session->Send("request");
      session->half_close = true;
      (*dialed)->Attach(std::move(session), NoDeadlines());
    });
    EXPECT_EQ(Await(answer.get_future()), "after eof: request") << "tls " << tls;
  }
}

TEST_F(ConnectionTest, AnEndThatCameWithTheBytesIsSeen) {
  std::promise<std::string> ended;
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    std::this_thread::sleep_for(milliseconds(30));  // bytes and FIN are both there by now
    auto session = std::make_unique<RawSession>();
    auto got = std::make_shared<std::string>();
    session->on_bytes = [got](RawSession&, std::string_view bytes) { *got += bytes; };
    session->on_eof = [&ended, got](RawSession& self) {
      ended.set_value(*got);
      self.finished = true;
    };
    connection->Attach(std::move(session), NoDeadlines());
  });
  PlainSocket client(listener_->port());
  client.Send("all");
  shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(Await(ended.get_future()), "all");
}

TEST_F(ConnectionTest, TheLastWordsArriveThoughThePeersBytesAreUnread) {
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->on_bytes = [](RawSession& self, std::string_view) {
      self.wants_read = false;
      self.receive_result = MakeError(ErrorCode::kBadGateway, "nonsense");
      self.Send("400");
    };
    connection->SetOnClosed([](const Error& why) { EXPECT_EQ(why.message, "nonsense"); });
    connection->Attach(std::move(session), NoDeadlines());
  });
  PlainSocket client(listener_->port());
  EXPECT_TRUE(client.Send(std::string(200'000, 'x')));
  EXPECT_EQ(client.ReadAll(), "400");
  EXPECT_TRUE(Eventually([&] { return listener_->connections() == 1; }));
}

TEST_F(ConnectionTest, CloseResetsTheSessionAndTellsWhy) {
  std::promise<void> lost;
  std::promise<Error> closed;
  std::thread closer;
  Listen({.tls = ServerTls()}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->on_lost = [&] { lost.set_value(); };
    connection->Attach(std::move(session), NoDeadlines());
    connection->SetOnClosed([&](const Error& why) { closed.set_value(why); });
    closer = std::thread([connection] { connection->Close(); });
  });
  auto dialed = DialLoopback(ClientTls());
  ASSERT_TRUE(dialed);
  Await(lost.get_future());
  EXPECT_EQ(Await(closed.get_future()).code, ErrorCode::kCancelled);
  closer.join();
  EXPECT_TRUE(Eventually([&] { return listener_->connections() == 0; }));
}

TEST_F(ConnectionTest, AResetIsSeenThoughNothingIsRead) {
  std::promise<Error> closed;
  std::promise<void> attached;
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->wants_read = false;
    connection->Attach(std::move(session), NoDeadlines());
    connection->SetOnClosed([&](const Error& why) { closed.set_value(why); });
    attached.set_value();
  });
  {
    PlainSocket client(listener_->port());
    Await(attached.get_future());
    client.Send("unread");
    linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  EXPECT_EQ(Await(closed.get_future()).code, ErrorCode::kUnavailable);
}

TEST_F(ConnectionTest, HandsOffBetweenLoopsWithoutLosingEarlyBytes) {
  std::atomic<Loop*> served_on = nullptr;
  Listen({.tls = ServerTls()}, [&](std::shared_ptr<Connection> connection) {
    Loop& other = loops_.at(1 - connection->loop().index());
    // The client's first bytes may already be in OpenSSL's buffer.
    std::this_thread::sleep_for(milliseconds(30));
    connection->Handoff(other, [&](std::shared_ptr<Connection> moved) {
      EXPECT_TRUE(other.InLoop());
      EXPECT_EQ(&moved->loop(), &other);
      served_on = &other;
      moved->Attach(Echo(), NoDeadlines());
    });
  });
  for (int i = 0; i < 4; ++i) {
    auto dialed = DialLoopback(ClientTls());
    ASSERT_TRUE(dialed) << dialed.error().message;
    EXPECT_EQ(RoundTrip(*dialed, "early bytes"), "early bytes");
    EXPECT_NE(served_on, nullptr);
  }
}

TEST_F(ConnectionTest, ShutdownDrainsWithinItsGraceThenCuts) {
  std::atomic<bool> drains = true;
  std::atomic<int> attached = 0;
  class Stubborn : public RawSession {
    void Drain() override {}
  };
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    if (drains) {
      connection->Attach(std::make_unique<RawSession>(), NoDeadlines());
    } else {
      connection->Attach(std::make_unique<Stubborn>(), NoDeadlines());
    }
    ++attached;
  });
  PlainSocket polite(listener_->port());
  ASSERT_TRUE(Eventually([&] { return attached == 1; }));
  drains = false;
  PlainSocket stubborn(listener_->port());
  ASSERT_TRUE(Eventually([&] { return attached == 2; }));
  const auto begin = std::chrono::steady_clock::now();
  listener_->Drain(milliseconds(200));
  EXPECT_EQ(polite.ReadAll(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(150));
  EXPECT_EQ(stubborn.ReadAll(), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(190));
  shutdown(polite.fd(), SHUT_WR);
  EXPECT_TRUE(listener_->WaitUntilClosed(milliseconds(5'000)));
}

// --- deadlines ---

struct DeadlineCase {
  const char* name;
  Deadlines deadlines;
  std::size_t open_streams;
  std::string sent;  // by the client, at once
  bool cut;
  ErrorCode code = ErrorCode::kDeadlineExceeded;
};

TEST_F(ConnectionTest, DeadlinesCutWhatTheyShouldAndNothingElse) {
  const auto with = [](auto member, milliseconds value) {
    Deadlines deadlines = NoDeadlines();
    deadlines.*member = value;
    return deadlines;
  };
  const milliseconds soon(60);
  const DeadlineCase cases[] = {
      {"no request", with(&Deadlines::first_request, soon), 0, "", true},
      {"half a request", with(&Deadlines::first_request, soon), 0, "GET", true},
      {"a request came", with(&Deadlines::first_request, soon), 1, "GET", false},
      {"idle", with(&Deadlines::idle, soon), 0, "", true, ErrorCode::kCancelled},
      {"not idle", with(&Deadlines::idle, soon), 1, "", false},
      {"a slow further request", with(&Deadlines::next_request, soon), 0, "GET", true},
      {"no further request", with(&Deadlines::next_request, soon), 0, "", false},
  };
  for (const auto& c : cases) {
    auto closed = std::make_shared<std::promise<Error>>();
    auto future = closed->get_future();
    Listen({}, [&, closed](std::shared_ptr<Connection> connection) {
      auto session = std::make_unique<RawSession>();
      session->open_streams = c.open_streams;
      connection->SetOnClosed([closed](const Error& why) { closed->set_value(why); });
      connection->Attach(std::move(session), c.deadlines);
    });
    {
      PlainSocket client(listener_->port());
      client.Send(c.sent);
      if (!c.cut) {
        EXPECT_EQ(future.wait_for(milliseconds(150)), std::future_status::timeout) << c.name;
      } else {
        EXPECT_EQ(client.ReadAll(), "") << c.name;
      }
    }
    const Error why = Await(std::move(future));
    if (c.cut) {
      EXPECT_EQ(why.code, c.code) << c.name << ": " << why.message;
    }
  }
}

TEST_F(ConnectionTest, TricklingBytesDoNotMoveTheDeadline) {
  std::promise<Error> closed;
  Deadlines deadlines = NoDeadlines();
  deadlines.first_request = milliseconds(150);
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->open_streams = 0;
    connection->SetOnClosed([&](const Error& why) { closed.set_value(why); });
    connection->Attach(std::move(session), deadlines);
  });
  PlainSocket client(listener_->port());
  auto future = closed.get_future();
  const auto begin = std::chrono::steady_clock::now();
  while (future.wait_for(milliseconds(20)) == std::future_status::timeout) client.Send("x");
  EXPECT_EQ(future.get().code, ErrorCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(600));
}

TEST_F(ConnectionTest, AWriterIsCutOnlyWhenThePeerTakesNothing) {
  std::promise<Error> closed;
  Deadlines deadlines = NoDeadlines();
  deadlines.write_stall = milliseconds(150);
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->Send(std::string(32 * 1024 * 1024, 'x'));
    connection->SetOnClosed([&](const Error& why) { closed.set_value(why); });
    connection->Attach(std::move(session), deadlines);
  });
  PlainSocket client(listener_->port());
  // Else some kernels grow it until it takes all there is, and nothing stalls.
  const int receive_bytes = 256 * 1024;
  ASSERT_EQ(setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes),
            0);
  auto future = closed.get_future();
  std::vector<char> buffer(2 * 1024 * 1024);
  // Slow, but it moves: must live well beyond the bound.
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(future.wait_for(milliseconds(60)), std::future_status::timeout);
    recv(client.fd(), buffer.data(), buffer.size(), MSG_WAITALL);
  }
  const Error why = Await(std::move(future));
  EXPECT_EQ(why.message, "the peer takes no bytes");
}

TEST_F(ConnectionTest, PingsKeepAConnectionAndFindADeadOne) {
  for (const bool answers : {true, false}) {
    auto closed = std::make_shared<std::promise<Error>>();
    auto future = closed->get_future();
    auto pings = std::make_shared<std::atomic<int>>(0);
    Listen({}, [=](std::shared_ptr<Connection> connection) {
      class Counted : public RawSession {
       public:
        std::shared_ptr<std::atomic<int>> count;
        bool Ping(std::function<void()> on_answer) override {
          ++*count;
          if (answers_ping) connection->loop().Post(std::move(on_answer));
          return true;
        }
        Connection* connection = nullptr;
      };
      auto session = std::make_unique<Counted>();
      session->count = pings;
      session->answers_ping = answers;
      session->connection = connection.get();
      Deadlines deadlines = NoDeadlines();
      deadlines.ping_interval = milliseconds(30);
      deadlines.ping_answer = milliseconds(60);
      connection->SetOnClosed([closed](const Error& why) { closed->set_value(why); });
      connection->Attach(std::move(session), deadlines);
    });
    PlainSocket client(listener_->port());
    if (answers) {
      EXPECT_TRUE(Eventually([&] { return *pings >= 4; }));
      EXPECT_EQ(future.wait_for(milliseconds(0)), std::future_status::timeout);
      shutdown(client.fd(), SHUT_WR);
    }
    const Error why = Await(std::move(future));
    EXPECT_EQ(why.code == ErrorCode::kDeadlineExceeded, !answers) << why.message;
  }
}

// On a slow link the answer queues behind what is under way.
TEST_F(ConnectionTest, WhoSendsIsAliveThoughItsPingAnswerIsLate) {
  std::promise<Error> closed;
  Deadlines deadlines = NoDeadlines();
  deadlines.ping_interval = milliseconds(30);
  deadlines.ping_answer = milliseconds(500);
  Listen({}, [&](std::shared_ptr<Connection> connection) {
    auto session = std::make_unique<RawSession>();
    session->answers_ping = false;
    connection->SetOnClosed([&](const Error& why) { closed.set_value(why); });
    connection->Attach(std::move(session), deadlines);
  });
  PlainSocket client(listener_->port());
  auto future = closed.get_future();
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(client.Send("x"));
    ASSERT_EQ(future.wait_for(milliseconds(20)), std::future_status::timeout);
  }
  EXPECT_EQ(Await(std::move(future)).message, "the peer answers no ping");
}

// What a watch or `logs -f` relies on: every connection of its way, for as long as it is open.
TEST_F(ConnectionTest, NoDeadlineEndsAnOpenExchangeThatIdles) {
  const auto shortened = [](Deadlines deadlines) {
    for (auto* bound : {&deadlines.first_request, &deadlines.next_request, &deadlines.idle,
                        &deadlines.write_stall, &deadlines.ping_interval}) {
      if (*bound > milliseconds(0)) *bound = milliseconds(20);
    }
    return deadlines;
  };
  for (const Deadlines& deadlines : {Deadlines::Server(true), Deadlines::Server(false),
                                     Deadlines::Client(), Deadlines::Tunnel()}) {
    auto closed = std::make_shared<std::promise<Error>>();
    Listen({}, [&, closed](std::shared_ptr<Connection> connection) {
      connection->SetOnClosed([closed](const Error& why) { closed->set_value(why); });
      connection->Attach(std::make_unique<RawSession>(), shortened(deadlines));
    });
    PlainSocket client(listener_->port());
    EXPECT_EQ(closed->get_future().wait_for(milliseconds(200)), std::future_status::timeout);
    listener_.reset();
  }
}

TEST_F(ConnectionTest, AConnectionNobodyServesIsClosedWithTheLoop) {
  std::shared_ptr<Connection> kept;
  Listen({}, [&](std::shared_ptr<Connection> connection) { kept = connection; });
  PlainSocket client(listener_->port());
  EXPECT_TRUE(Eventually([&] { return listener_->connections() == 1; }));
  loops_.Stop();
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_EQ(listener_->connections(), 0u);
}

}  // namespace
}  // namespace mk8s::net
