// The exec route against an agent of the test's own: forms, statuses, the audit log, cancelling.
#include "central/exec_request.h"

#include <condition_variable>

#include "central/exec_gateway.h"
#include "central/metrics.h"
#include "central/rest_test.h"
#include "gateway/loop_timer.h"
#include "grpc/server.h"
#include "mk8s/agent/v1/agent.pb.h"
#include "net/connection.h"

namespace mk8s::central {
namespace {

namespace pb = mk8s::agent::v1;

// Joins who asks to a handler in memory, both on one loop; calls arrive with a later turn.
class LoopbackSession : public http::ClientSession {
 public:
  LoopbackSession(net::Loop& loop, http::Handler& handler) : loop_(loop), handler_(handler) {}

  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events) override {
    auto exchange = std::make_shared<Exchange>(loop_);
    exchange->near = std::move(events);
    loop_.Post([this, head, end, exchange] {
      exchange->far = handler_.OnRequest(head, end, std::make_shared<Far>(exchange));
    });
    return exchange;
  }
  bool CanSend() const override { return true; }
  std::size_t OpenStreams() const override { return 0; }

 private:
  // The asking end; holds both ends' events until one of them ends the exchange.
  struct Exchange : http::Stream, std::enable_shared_from_this<Exchange> {
    explicit Exchange(net::Loop& on) : loop(on) {}
    void SendBody(std::string_view bytes) override {
      Later([bytes = std::string(bytes)](Exchange& self) {
        if (self.far) self.far->OnBody(bytes);
      });
    }
    void SendEnd(const http::Fields&) override {
      Later([](Exchange& self) {
        if (self.far) self.far->OnEnd({});
      });
    }
    void Reset(http::ResetReason reason) override {
      Later([reason](Exchange& self) { self.Break(reason); });
    }
    void Consume(std::size_t) override {}

    void Break(http::ResetReason reason) {
      if (const auto to = std::exchange(far, nullptr)) to->OnReset(reason);
      if (const auto to = std::exchange(near, nullptr)) to->OnReset(reason);
    }
    void Later(std::function<void(Exchange&)> call) {
      loop.Post([self = shared_from_this(), call = std::move(call)] { call(*self); });
    }

    net::Loop& loop;
    std::shared_ptr<http::ResponseEvents> near;
    std::shared_ptr<http::StreamEvents> far;
  };
  // The answering end.
  struct Far : http::ResponseStream {
    explicit Far(std::shared_ptr<Exchange> with) : exchange(std::move(with)) {}
    void SendHead(const http::ResponseHead& head, bool end) override {
      exchange->Later([head, end](Exchange& self) {
        if (self.near) self.near->OnHead(head, end);
      });
    }
    void SendContinue() override {}
    void SendBody(std::string_view bytes) override {
      exchange->Later([bytes = std::string(bytes)](Exchange& self) {
        if (self.near) self.near->OnBody(bytes);
      });
    }
    void SendEnd(const http::Fields& trailers) override {
      exchange->Later([trailers](Exchange& self) {
        self.far = nullptr;
        if (const auto to = std::exchange(self.near, nullptr)) to->OnEnd(trailers);
      });
    }
    void Reset(http::ResetReason reason) override {
      exchange->Later([reason](Exchange& self) { self.Break(reason); });
    }
    void Consume(std::size_t) override {}
    const std::shared_ptr<Exchange> exchange;
  };

  net::Loop& loop_;
  http::Handler& handler_;
};

class OpenConnection : public net::Connection {
 public:
  explicit OpenConnection(net::Loop& loop) : loop_(loop) {}
  net::Loop& loop() const override { return loop_; }
  const std::string& peer_ip() const override { return text_; }
  const std::string& peer_endpoint() const override { return text_; }
  std::string_view alpn() const override { return {}; }
  bool encrypted() const override { return true; }
  const net::PeerCertificate* peer_certificate() const override { return nullptr; }
  void Attach(std::unique_ptr<http::Session>, const net::Deadlines&) override {}
  http::Session* session() const override { return nullptr; }
  void Handoff(net::Loop&, std::function<void(std::shared_ptr<net::Connection>)>) override {}
  void SetOnClosed(std::function<void(const Error&)>) override {}
  void Close() override {}
  void Shutdown(std::chrono::milliseconds) override {}
  bool closed() const override { return false; }
  std::uint64_t received_bytes() const override { return 0; }
  std::uint64_t sent_bytes() const override { return 0; }

 private:
  net::Loop& loop_;
  std::string text_;
};

// What the caller gets; `body` can be waited for while it grows.
class CallerStream : public http::ResponseStream {
 public:
  void SendHead(const http::ResponseHead& head, bool end) override {
    Change([&] { head_ = head, ended_ = end; });
  }
  void SendContinue() override {}
  void SendBody(std::string_view bytes) override {
    Change([&] { body_ += bytes; });
  }
  void SendEnd(const http::Fields&) override {
    Change([&] { ended_ = true; });
  }
  void Reset(http::ResetReason) override {
    Change([&] { ended_ = true; });
  }
  void Consume(std::size_t) override {}

  /// The body once it holds `text`, or the stream ended.
  std::string WaitFor(std::string_view text) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return ended_ || (!text.empty() && body_.find(text) != std::string::npos);
    });
    return body_;
  }
  TestAnswer Whole() {
    WaitFor({});
    return {head_, body_};
  }

 private:
  template <typename Fn>
  void Change(Fn fn) {
    const std::lock_guard lock(mutex_);
    fn();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  http::ResponseHead head_{.status = 0};
  std::string body_;
  bool ended_ = false;
};

class ExecTest : public RestTest {
 protected:
  ExecTest() {
    agent_.AddServerStreaming(
        "/mk8s.agent.v1.AgentService/ExecuteCommand",
        [this](const std::string& request, auto writer) { Execute(request, std::move(writer)); });
    agent_.AddUnary("/mk8s.agent.v1.AgentService/SendCommandInput",
                    [this](auto&, const std::string& request, const grpc::Reply& reply) {
                      pb::CommandInput input;
                      input.ParseFromString(request);
                      TakeInput(input);
                      reply(std::string());
                    });
    loops_.Start();
    admin_ = AdminToken();
    EXPECT_EQ(Call("POST", "/clusters", R"({"name":"dev"})", admin_).status(), 201);
    cluster_id_ = snapshots_->Current()->FindCluster("dev")->id;
    tunnels_.NoteEpoch(cluster_id_, 1);
    tunnels_.Heartbeat(cluster_id_, 1, {});
    tunnels_.Add(std::make_shared<Tunnel>(Tunnel{.cluster_id = cluster_id_,
                                                 .epoch = 1,
                                                 .connection = connection_,
                                                 .session = &session_,
                                                 .loop = &loops_.at(0)}));
  }
  ~ExecTest() override { loops_.Stop(); }

  struct CallUnderWay {
    std::shared_ptr<CallerStream> stream = std::make_shared<CallerStream>();
    std::shared_ptr<http::StreamEvents> events;
  };

  // Makes the call and gives its body; a WebSocket's body is frames, and does not end.
  CallUnderWay Open(const std::string& body, http::Fields fields = {}, std::string token = "-",
                    std::string protocol = {}, const std::string& method = "POST",
                    std::string cluster = "dev") {
    if (token == "-") token = admin_;
    if (!token.empty()) fields.Add("authorization", "Bearer " + token);
    http::RequestHead head{.method = protocol.empty() ? method : "GET",
                           .authority = "mk8s.test",
                           .target = "/clusters/dev/exec",
                           .protocol = protocol,
                           .fields = std::move(fields)};
    CallUnderWay call;
    clock_.Advance(std::chrono::milliseconds(1));  // so that audit events have an order
    OnLoop([&] {
      const bool end = body.empty() && protocol.empty();
      call.events = gateway_.OnRequest(cluster, head, end, call.stream, loops_.at(0), "192.0.2.7",
                                       NewRequestId(clock_.Now()));
      if (!body.empty()) call.events->OnBody(body);
      if (protocol.empty() && !end) call.events->OnEnd({});
    });
    return call;
  }
  TestAnswer Exec(const std::string& body, http::Fields fields = {}, std::string token = "-") {
    return Open(body, std::move(fields), std::move(token)).stream->Whole();
  }
  CallUnderWay OpenSocket(const std::string& first) {
    return Open(
        Frame(first),
        {{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"sec-websocket-version", "13"}}, "-",
        "websocket");
  }
  static std::string Frame(const std::string& text) {
    return http::WebSocketFrame(http::WebSocketRole::kClient, http::WebSocketOpcode::kText, text);
  }

  void OnLoop(const std::function<void()>& fn) {
    std::promise<void> done;
    loops_.at(0).Post([&] {
      fn();
      done.set_value();
    });
    done.get_future().get();
  }

  // A shell of sorts: what it does is its first word.
  void Execute(const std::string& request, std::shared_ptr<grpc::ServerWriter> writer) {
    request_.Clear();
    request_.ParseFromString(request);
    writer_ = writer;
    writer->context().OnCancelled([this] { cancelled_.set_value(); });
    const std::string word = request_.argv(0);
    if (word == "refuse") return writer->Finish(Error{refusal_, "because"});
    Write([](pb::CommandResponse& message) { message.set_stderr("to stderr"); });
    if (word == "echo") Write([&](auto& message) { message.set_stdout(request_.stdin()); });
    if (word == "flood") {
      Write(
          [](auto& message) { message.set_stdout(std::string(limits::kExecAnswerBytesMax, 'x')); });
    }
    if (word != "wait" && word != "read") End(3);
  }
  void TakeInput(const pb::CommandInput& input) {
    if (input.has_resize()) {
      const std::string size =
          std::to_string(input.resize().columns()) + "x" + std::to_string(input.resize().rows());
      return Write([&](auto& message) { message.set_stdout(size); });
    }
    if (input.eof()) return End(0);
    Write([&](auto& message) { message.set_stdout("got " + input.stdin()); });
  }
  template <typename Fill>
  void Write(Fill fill) {
    pb::CommandResponse message;
    fill(message);
    writer_->Write(message.SerializeAsString());
  }
  void End(int exit_code) {
    Write([&](auto& message) { message.set_exit_code(exit_code); });
    writer_->Finish({});
    writer_.reset();
  }

  AuditEvent LastExec() {
    OnLoop([] {});  // the answer's end is seen before its outcome is recorded
    for (const AuditEvent& event : Audit()) {
      if (event.verb == "exec-remote") return event;
    }
    return {};
  }

  Metrics metrics_;
  net::LoopGroup loops_{1};
  ExecGateway gateway_{*services_, metrics_, loops_};
  grpc::Server agent_;
  gateway::LoopTimer timer_{loops_.at(0)};
  grpc::ConnectionHandler handler_{agent_, timer_, std::any()};
  LoopbackSession session_{loops_.at(0), handler_};
  std::shared_ptr<net::Connection> connection_ = std::make_shared<OpenConnection>(loops_.at(0));
  std::string admin_;
  std::string cluster_id_;
  // Of the agent, on the loop.
  pb::CommandRequest request_;
  std::shared_ptr<grpc::ServerWriter> writer_;
  ErrorCode refusal_ = ErrorCode::kInternal;
  std::promise<void> cancelled_;
};

TEST_F(ExecTest, AnswersWithOneObject) {
  const TestAnswer answer = Exec(R"({"command":["echo","--token=abc"],"stdin":"grüße",)"
                                 R"("files":[{"path":"a/b","content_base64":"eA=="}]})");
  ASSERT_EQ(answer.status(), 200) << answer.body;
  EXPECT_EQ(answer.Json(),
            boost::json::parse(R"({"output":"grüße","stderr":"to stderr","exit_code":3})"));
  EXPECT_FALSE(answer.head.fields.Get("x-request-id").empty());
  EXPECT_EQ(request_.files(0).path(), "a/b");
  EXPECT_EQ(request_.files(0).content(), "x");
  EXPECT_FALSE(request_.stdin_streamed());
  EXPECT_EQ(request_.command_id().size(), 32u);
  const AuditEvent event = LastExec();
  EXPECT_EQ(event.status, AuditStatus::kAllowed);
  EXPECT_EQ(event.command, "kubectl echo --token=***");
  EXPECT_EQ(event.cluster, "dev");
  EXPECT_EQ(event.source_ip, "192.0.2.7");
  EXPECT_EQ(event.http_status, 200);
  EXPECT_EQ(event.kubectl_session, event.id);
  EXPECT_EQ(event.reason, "exit code 3; stdout 7, stderr 9, stdin 7 bytes");
}

TEST_F(ExecTest, StreamsEvents) {
  const TestAnswer answer =
      Exec(R"({"command":["echo"],"stdin":"x"})", {{"accept", "text/event-stream"}});
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.head.fields.Get("content-type"), "text/event-stream");
  EXPECT_EQ(answer.body,
            "event: stderr\ndata: {\"data_base64\":\"dG8gc3RkZXJy\"}\n\n"
            "event: stdout\ndata: {\"data_base64\":\"eA==\"}\n\n"
            "event: exit\ndata: {\"exit_code\":3}\n\n");
}

TEST_F(ExecTest, SpeaksOverAWebSocket) {
  const CallUnderWay call =
      OpenSocket(R"({"command":["read"],"tty":true,"columns":100,"rows":50})");
  EXPECT_NE(call.stream->WaitFor("dG8gc3RkZXJy"), "");
  EXPECT_TRUE(request_.stdin_streamed());
  EXPECT_EQ(request_.terminal().columns(), 100u);
  OnLoop([&] {
    call.events->OnBody(Frame(R"({"type":"stdin","data_base64":"eA=="})") +
                        Frame(R"({"type":"resize","columns":7,"rows":8})") +
                        Frame(R"({"type":"eof"})"));
  });
  const TestAnswer answer = call.stream->Whole();
  EXPECT_EQ(answer.status(), 101);
  EXPECT_EQ(answer.head.fields.Get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  std::vector<std::string> messages;
  http::WebSocketReader reader(http::WebSocketRole::kClient, 1'000'000);
  EXPECT_TRUE(reader.Push(
      answer.body, [&](http::WebSocketMessage message) { messages.push_back(message.payload); }));
  const std::vector<std::string> expected = {
      R"({"type":"stderr","data_base64":"dG8gc3RkZXJy"})",
      R"({"type":"stdout","data_base64":"Z290IHg="})",  // got x
      R"({"type":"stdout","data_base64":"N3g4"})",      // 7x8
      R"({"type":"exit","exit_code":0})", "\x03\xe8"};
  EXPECT_EQ(messages, expected);
  EXPECT_EQ(LastExec().reason, "exit code 0; stdout 8, stderr 9, stdin 1 bytes");
}

TEST_F(ExecTest, RefusesBeforeTheAgentHears) {
  NewAccount("other@example.com", {"developer"});  // dev-* only
  const std::string other = Login("other@example.com");
  struct Case {
    std::string body;
    std::string token;
    int status;
    std::string method = "POST";
    std::string cluster = "dev";
  };
  const std::string good = R"({"command":["echo"]})";
  const Case cases[] = {
      {good, "", 401},
      {good, "nonsense", 401},
      {good, other, 404},
      {good, "-", 404, "POST", "nowhere"},
      {good, "-", 405, "PUT"},
      {"", "-", 405, "GET"},
      {"", "-", 400},
      {"[]", "-", 400},
      {R"({"command":[]})", "-", 400},
      {R"({"command":"get pods"})", "-", 400},
      {R"({"command":["a\u0000"]})", "-", 400},
      {R"({"command":["echo"],"tty":true})", "-", 400},
      {R"({"command":["echo"],"shell":true})", "-", 400},
      {R"({"command":["echo"],"files":[{"path":"a","content_base64":"?"}]})", "-", 400},
      {R"({"command":["echo"],"stdin":")" + std::string(limits::kExecInputBytesMax + 1, 'x') +
           "\"}",
       "-", 413},
      {std::string(limits::kExecBodyBytesMax + 1, ' '), "-", 413},
  };
  for (const Case& c : cases) {
    const TestAnswer answer = Open(c.body, {}, c.token, {}, c.method, c.cluster).stream->Whole();
    EXPECT_EQ(answer.status(), c.status) << c.body.substr(0, 100) << answer.body;
  }
  EXPECT_EQ(request_.argv_size(), 0);
  EXPECT_EQ(Exec(good, {{"origin", "https://evil.test"}}).status(), 403);
  EXPECT_EQ(Exec(good, {}, "").head.fields.Get("www-authenticate"), "Bearer");
  audit_store_.Break(true);
  EXPECT_EQ(Exec(good).status(), 503);
  audit_store_.Break(false);
  EXPECT_EQ(request_.argv_size(), 0) << "nothing runs that is not in the audit log";
}

TEST_F(ExecTest, SaysWhatTheAgentSays) {
  struct Case {
    ErrorCode code;
    int status;
    AuditStatus audited;
    std::string_view retry_after = "";
  };
  const Case cases[] = {
      {ErrorCode::kFailedPrecondition, 501, AuditStatus::kFailed},
      {ErrorCode::kResourceExhausted, 429, AuditStatus::kDenied, "5"},
      {ErrorCode::kInvalidArgument, 400, AuditStatus::kDenied},
      {ErrorCode::kDeadlineExceeded, 504, AuditStatus::kFailed},
      {ErrorCode::kUnimplemented, 501, AuditStatus::kFailed},
      {ErrorCode::kUnavailable, 503, AuditStatus::kFailed, "5"},
  };
  for (const Case& c : cases) {
    refusal_ = c.code;
    for (const std::string accept : {"application/json", "text/event-stream"}) {
      const TestAnswer answer = Exec(R"({"command":["refuse"]})", {{"accept", accept}});
      EXPECT_EQ(answer.status(), c.status) << Name(c.code);
      EXPECT_EQ(answer.head.fields.Get("retry-after"), c.retry_after);
      EXPECT_EQ(LastExec().status, c.audited) << Name(c.code);
    }
  }
}

TEST_F(ExecTest, BoundsTheOneAnswer) {
  EXPECT_EQ(Exec(R"({"command":["flood"]})").status(), 413);
  cancelled_ = {};
  EXPECT_EQ(Exec(R"({"command":["flood"]})", {{"accept", "text/event-stream"}}).status(), 200);
}

TEST_F(ExecTest, ACallerWhoLeavesEndsTheCommand) {
  const CallUnderWay call = Open(R"({"command":["wait"]})");
  std::string command_id;
  while (command_id.empty()) OnLoop([&] { command_id = request_.command_id(); });
  OnLoop([&] {
    EXPECT_NE(gateway_.registry().Find(command_id, cluster_id_), nullptr);
    EXPECT_EQ(gateway_.registry().Find(command_id, "another"), nullptr);
    call.events->OnReset(http::ResetReason::kCancel);
    EXPECT_EQ(gateway_.registry().Find(command_id, cluster_id_), nullptr);
  });
  EXPECT_EQ(cancelled_.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(LastExec().status, AuditStatus::kInterrupted);
}

TEST_F(ExecTest, AWithdrawnRoleEndsTheCommand) {
  NewAccount("dev@example.com", {"admin"});
  const CallUnderWay call =
      Open(R"({"command":["wait"]})", {{"accept", "text/event-stream"}}, Login("dev@example.com"));
  EXPECT_NE(call.stream->WaitFor("stderr"), "");
  EXPECT_EQ(Call("PUT", "/users/dev@example.com/roles", R"({"roles":[]})", admin_).status(), 200);
  gateway_.Recheck(snapshots_->Current());
  EXPECT_NE(call.stream->Whole().body.find("event: error"), std::string::npos);
  EXPECT_EQ(cancelled_.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  const AuditEvent event = LastExec();
  EXPECT_EQ(event.status, AuditStatus::kInterrupted);
  EXPECT_NE(event.reason.find("not granted any more"), std::string::npos) << event.reason;
}

}  // namespace
}  // namespace mk8s::central
