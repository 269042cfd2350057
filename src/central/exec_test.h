// A central and an agent of the tests' own, without sockets, for exec's tests: the agent's end of
// the tunnel runs commands that say what they do, and answers Kubernetes requests with what it saw.
#pragma once

#include <condition_variable>

#include "central/exec_gateway.h"
#include "central/exec_request.h"
#include "central/metrics.h"
#include "central/rest_test.h"
#include "gateway/loop_timer.h"
#include "gateway/tunnel_message.h"
#include "grpc/server.h"
#include "mk8s/agent/v1/agent.pb.h"
#include "net/connection.h"

namespace mk8s::central {

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
  const net::PeerCertificate* peer_certificate() const override {
    return certificate.uris.empty() ? nullptr : &certificate;
  }
  void Attach(std::unique_ptr<http::Session>, const net::Deadlines&) override {}
  http::Session* session() const override { return nullptr; }
  void Handoff(net::Loop&, std::function<void(std::shared_ptr<net::Connection>)>) override {}
  void SetOnClosed(std::function<void(const Error&)>) override {}
  void Close() override {}
  void Shutdown(std::chrono::milliseconds) override {}
  bool closed() const override { return false; }
  std::uint64_t received_bytes() const override { return 0; }
  std::uint64_t sent_bytes() const override { return 0; }

  net::PeerCertificate certificate;

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
  http::ResponseHead Head() {
    const std::lock_guard lock(mutex_);
    return head_;
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

// The agent's end of the tunnel: gRPC, and a cluster that answers everything.
class AgentEnd : public http::Handler {
 public:
  explicit AgentEnd(http::Handler& grpc) : grpc_(grpc) {}

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    if (grpc::IsGrpcRequest(head)) return grpc_.OnRequest(std::move(head), end, std::move(stream));
    struct Silent : http::StreamEvents {
      explicit Silent(std::shared_ptr<http::ResponseStream> to) : stream(std::move(to)) {}
      void OnBody(std::string_view bytes) override { stream->Consume(bytes.size()); }
      void OnEnd(const http::Fields&) override {}
      void OnReset(http::ResetReason) override {}
      void OnSent(std::size_t) override {}
      const std::shared_ptr<http::ResponseStream> stream;
    };
    auto events = std::make_shared<Silent>(stream);
    const bool upgrade = head.method == "CONNECT";
    http::ResponseHead answer{.status = 200};
    if (upgrade) answer.fields.Add(gateway::kProtocolField, head.protocol);
    stream->SendHead(answer, false);
    stream->SendBody("of the cluster");
    const bool watches = head.target.find("watch=") != std::string::npos;
    if (!upgrade && !watches) stream->SendEnd();
    seen.push_back(std::move(head));
    return events;
  }

  std::vector<http::RequestHead> seen;

 private:
  http::Handler& grpc_;
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

  // A shell of sorts: what it does is the word behind "get".
  void Execute(const std::string& request, std::shared_ptr<grpc::ServerWriter> writer) {
    request_.Clear();
    request_.ParseFromString(request);
    writer_ = writer;
    writer->context().OnCancelled([this] { cancelled_.set_value(); });
    const std::string word = request_.argv(1);
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
  AgentEnd agent_end_{handler_};
  LoopbackSession session_{loops_.at(0), agent_end_};
  std::shared_ptr<net::Connection> connection_ = std::make_shared<OpenConnection>(loops_.at(0));
  std::string admin_;
  std::string cluster_id_;
  // Of the agent, on the loop.
  pb::CommandRequest request_;
  std::shared_ptr<grpc::ServerWriter> writer_;
  ErrorCode refusal_ = ErrorCode::kInternal;
  std::promise<void> cancelled_;
};

}  // namespace mk8s::central
