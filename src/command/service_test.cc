// ExecuteCommand with the system's shell in kubectl's place, at the best level that this machine
// gives, and a central in memory.
#include "command/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "base/ids.h"
#include "gateway/loop_timer.h"
#include "grpc/client.h"
#include "h2/session.h"
#include "mk8s/agent/v1/agent.pb.h"
#include "net/dialer.h"
#include "net/listener.h"
#include "sandbox/entry_for_test.h"
#include "sandbox/launch.h"

namespace mk8s::command {
namespace {

namespace pb = mk8s::agent::v1;
using testing::HasSubstr;

// Takes nothing and answers nothing: the shell asks for nothing.
class NoCentral : public http::ClientSession {
 public:
  std::shared_ptr<http::Stream> Send(const http::RequestHead&, bool,
                                     std::shared_ptr<http::ResponseEvents>) override {
    return nullptr;
  }
  bool CanSend() const override { return false; }
  std::size_t OpenStreams() const override { return 0; }
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest()
      : loops_(1),
        pool_(2),
        shared_({.path = "/bin/sh", .search_path = {}}, "dev", *EndpointTls::Make()),
        around_{loops_.at(0), pool_, central_, shared_},
        service_(around_),
        timer_(loops_.at(0)),
        handler_(server_, timer_, {}) {
    std::string why_not;
    shared_.level = sandbox::Probe(why_not);
    service_.AddTo(server_);
    listener_ = *net::Listener::Listen(
        loops_, {.bind_address = "127.0.0.1"}, [this](const auto& connection) {
          connection->Attach(h2::Session::Server(handler_, h2::Options::Tunnel()),
                             net::Deadlines::Tunnel());
        });
    loops_.Start();
    std::promise<void> dialed;
    loops_.at(0).Post([&] {
      net::Dial(loops_.at(0), {.host = "127.0.0.1", .port = listener_->port()}, nullptr,
                std::chrono::seconds(10), [&](auto connection) {
                  connection_ = *connection;
                  auto session = h2::Session::Client();
                  session_ = session.get();
                  connection_->Attach(std::move(session), net::Deadlines::Tunnel());
                  dialed.set_value();
                });
    });
    dialed.get_future().get();
  }
  ~ServiceTest() override {
    pool_.Stop();
    loops_.Stop();
  }

  struct Outcome {
    std::string out, err;
    std::optional<int> exit_code;
    std::optional<Error> error;
  };
  struct Running {
    std::string id = NewUuid();
    Outcome outcome;
    std::promise<void> started, done;
    std::shared_ptr<grpc::ClientCall> call;
    bool heard = false;
  };

  // `sh run`: the shell runs the file "run" of its working folder.
  pb::CommandRequest Order(const std::string& script) {
    pb::CommandRequest request;
    request.add_argv("run");
    auto* file = request.add_files();
    file->set_path("run");
    file->set_content(script);
    return request;
  }
  void Begin(Running& running, pb::CommandRequest request) {
    request.set_command_id(running.id);
    loops_.at(0).Post([this, &running, bytes = request.SerializeAsString()] {
      running.call = grpc::ServerStreamingCall(
          *session_, timer_, "/mk8s.agent.v1.AgentService/ExecuteCommand", bytes,
          {.deadline = std::chrono::seconds(60), .authority = "agent"},
          {.on_message =
               [&running](const std::string& message) {
                 pb::CommandResponse response;
                 ASSERT_TRUE(response.ParseFromString(message));
                 running.outcome.out += response.stdout();
                 running.outcome.err += response.stderr();
                 if (response.has_exit_code()) running.outcome.exit_code = response.exit_code();
                 if (!std::exchange(running.heard, true)) running.started.set_value();
                 running.call->Release(message.size());
               },
           .on_done =
               [&running](const Result<void>& result) {
                 if (!result) running.outcome.error = result.error();
                 running.done.set_value();
               }});
    });
  }
  Outcome Run(pb::CommandRequest request) {
    Running running;
    Begin(running, std::move(request));
    running.done.get_future().get();
    return running.outcome;
  }
  Result<std::string> Send(const Running& running, pb::CommandInput input) {
    input.set_command_id(running.id);
    std::promise<Result<std::string>> answer;
    loops_.at(0).Post([this, &answer, bytes = input.SerializeAsString()] {
      grpc::UnaryCall(*session_, timer_, "/mk8s.agent.v1.AgentService/SendCommandInput", bytes,
                      {.deadline = std::chrono::seconds(60), .authority = "agent"},
                      [&answer](Result<std::string> reply) { answer.set_value(std::move(reply)); });
    });
    return answer.get_future().get();
  }
  bool NoneRuns() {
    for (int i = 0; i < 4000; ++i) {
      if (shared_.counters.running == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  net::LoopGroup loops_;
  net::WorkPool pool_;
  NoCentral central_;
  Shared shared_;
  Surroundings around_;
  Service service_;
  grpc::Server server_;
  gateway::LoopTimer timer_;
  grpc::ConnectionHandler handler_;
  std::unique_ptr<net::Listener> listener_;
  std::shared_ptr<net::Connection> connection_;
  h2::Session* session_ = nullptr;
};

TEST_F(ServiceTest, GivesOutputAndExitCode) {
  auto request = Order("read x; echo \"got $x\"; echo bad >&2; exit 7");
  request.set_stdin("all of it\n");
  const Outcome outcome = Run(request);
  EXPECT_EQ(outcome.out, "got all of it\n");
  EXPECT_EQ(outcome.err, "bad\n");
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_FALSE(outcome.error);
  EXPECT_TRUE(NoneRuns());
}

TEST_F(ServiceTest, LosesNothingOfALargeOutput) {
  const Outcome outcome =
      Run(Order("i=0; while [ $i -lt 200000 ]; do echo $i; i=$((i+1)); done; exit 0"));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(outcome.out.starts_with("0\n1\n"));
  EXPECT_TRUE(outcome.out.ends_with("\n199999\n"));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 200'000);
}

TEST_F(ServiceTest, TakesInputInOrderAndItsEnd) {
  auto request = Order("while read x; do echo \"<$x>\"; done; echo end");
  request.set_stdin_streamed(true);
  request.set_stdin("zero\n");
  Running running;
  Begin(running, request);
  running.started.get_future().get();
  for (const char* line : {"one\n", "two\n"}) {
    pb::CommandInput input;
    input.set_stdin(line);
    EXPECT_TRUE(Send(running, input));
  }
  pb::CommandInput end;
  end.set_eof(true);
  EXPECT_TRUE(Send(running, end));
  running.done.get_future().get();
  EXPECT_EQ(running.outcome.out, "<zero>\n<one>\n<two>\nend\n");
}

TEST_F(ServiceTest, InputOfAnEndedCommandIsRefused) {
  pb::CommandInput input;
  input.set_stdin("x");
  const auto reply = Send(Running(), input);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kNotFound);
}

TEST_F(ServiceTest, ACommandOnATerminalHasOneAndItsEndOfInput) {
  auto request = Order("[ -t 0 ] && [ -t 2 ] && echo terminal >&2; while read x; do echo $x; done");
  request.mutable_terminal()->set_columns(100);
  request.mutable_terminal()->set_rows(30);
  request.set_stdin("typed\n");
  const Outcome outcome = Run(request);
  EXPECT_THAT(outcome.out, HasSubstr("terminal\r\n"));
  EXPECT_THAT(outcome.out, HasSubstr("typed\r\n"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_code, 0);
}

TEST_F(ServiceTest, ACancelledCommandIsKilled) {
  Running running;
  Begin(running, Order("echo up; while true; do :; done"));
  running.started.get_future().get();
  loops_.at(0).Post([&] { running.call->Cancel(); });
  EXPECT_TRUE(NoneRuns());
}

TEST_F(ServiceTest, ALostTunnelKillsItsCommands) {
  Running running;
  Begin(running, Order("while true; do :; done"));
  running.started.get_future().get();
  connection_->Close();
  running.done.get_future().get();
  EXPECT_TRUE(NoneRuns());
}

TEST_F(ServiceTest, SaysWhyItRunsNothing) {
  shared_.refusal = "a sandbox is required";
  const Outcome outcome = Run(Order("exit 0"));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(outcome.error->message, "a sandbox is required");
  EXPECT_EQ(shared_.counters.refused, 1u);
}

TEST_F(ServiceTest, RefusesWhatCentralNeverSends) {
  auto leaves = Order("exit 0");
  leaves.mutable_files(0)->set_path("../run");
  auto nul = Order("exit 0");
  nul.set_argv(0, std::string("a\0b", 3));
  auto listens = Order("exit 0");
  listens.set_argv(0, "proxy");
  for (const auto& request : {leaves, nul, listens}) {
    const Outcome outcome = Run(request);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ServiceTest, BoundsHowManyRun) {
  std::vector<std::uint32_t> held;
  while (const auto slot = shared_.slots.Take()) held.push_back(*slot);
  EXPECT_EQ(held.size(), limits::kCommandsPerAgentMax);
  const Outcome full = Run(Order("exit 0"));
  ASSERT_TRUE(full.error);
  EXPECT_EQ(full.error->code, ErrorCode::kResourceExhausted);
  shared_.slots.Free(held.back());
  EXPECT_EQ(Run(Order("exit 0")).exit_code, 0);
}

}  // namespace
}  // namespace mk8s::command
