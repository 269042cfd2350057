// Calls of a client made by hand: what is answered, refused, cancelled, and when.
#include "grpc/server.h"

#include <gtest/gtest.h>

#include "grpc/test_streams.h"

namespace mk8s::grpc {
namespace {

using http::ResetReason;
using testing::FakeStream;
using testing::FakeTimer;
using testing::Framed;

http::RequestHead Head(std::string path, http::Fields more = {}) {
  http::RequestHead head{.method = "POST", .authority = "a.test", .target = std::move(path)};
  head.fields = std::move(more);
  head.fields.Add("content-type", "application/grpc+proto");
  head.fields.Add("te", "trailers");
  return head;
}

// A server with a unary method that answers when told to, and a streaming one.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    server_.SetMessageBytesMax(1000);
    server_.AddUnary("/s/Unary", [this](CallContext& context, std::string request, Reply reply) {
      context_ = &context;
      context.OnCancelled([this] { ++cancellations_; });
      request_ = std::move(request);
      reply_ = std::move(reply);
    });
    server_.AddServerStreaming("/s/Stream",
                               [this](std::string request, std::shared_ptr<ServerWriter> writer) {
                                 request_ = std::move(request);
                                 writer->context().OnCancelled([this] { ++cancellations_; });
                                 writer->OnWritable([this] { ++writable_; });
                                 writer_ = std::move(writer);
                               });
  }

  void Begin(const http::RequestHead& head, bool end = false) {
    stream_ = std::make_shared<FakeStream>();
    events_ = handler_.OnRequest(head, end, stream_);
  }
  void Call(const std::string& path, std::string_view request, http::Fields more = {}) {
    Begin(Head(path, std::move(more)));
    events_->OnBody(Framed(request));
    events_->OnEnd({});
  }
  std::string Status() const {
    const auto status = stream_->trailers.Find("grpc-status");
    return std::string(status ? *status : stream_->head->fields.Get("grpc-status"));
  }

  FakeTimer timer_;
  Server server_;
  ConnectionHandler handler_{server_, timer_, std::string("cluster-7")};
  std::shared_ptr<FakeStream> stream_;
  std::shared_ptr<http::StreamEvents> events_;
  CallContext* context_ = nullptr;
  std::optional<std::string> request_;
  Reply reply_;
  std::shared_ptr<ServerWriter> writer_;
  int cancellations_ = 0;
  int writable_ = 0;
};

TEST_F(ServerTest, AnswersAUnaryCall) {
  Call("/s/Unary", "request");
  EXPECT_EQ(request_, "request");
  EXPECT_EQ(std::any_cast<std::string>(context_->peer()), "cluster-7");
  EXPECT_EQ(context_->head().target, "/s/Unary");
  EXPECT_FALSE(context_->timeout());
  EXPECT_FALSE(stream_->head);
  reply_(std::string("response"));
  EXPECT_EQ(stream_->head->status, 200);
  EXPECT_EQ(stream_->head->fields.Get("content-type"), "application/grpc");
  EXPECT_EQ(stream_->body, Framed("response"));
  EXPECT_EQ(stream_->trailers, (http::Fields{{"grpc-status", "0"}}));
  EXPECT_TRUE(stream_->ended);
  EXPECT_FALSE(stream_->reset);
  EXPECT_EQ(stream_->consumed, Framed("request").size());
  reply_(std::string("again"));
  EXPECT_EQ(stream_->body, Framed("response"));
  EXPECT_EQ(cancellations_, 0);
}

TEST_F(ServerTest, AnswersAnErrorByTrailersOnly) {
  Call("/s/Unary", "request");
  reply_(MakeError(ErrorCode::kNotFound, "No such\ncluster.", "a private detail"));
  EXPECT_EQ(stream_->head->status, 200);
  EXPECT_EQ(Status(), "5");
  EXPECT_EQ(stream_->head->fields.Get("grpc-message"), "No such%0Acluster.");
  EXPECT_EQ(stream_->body, "");
  EXPECT_TRUE(stream_->ended);
}

// Calls that no method hears of, before or after their message.
TEST_F(ServerTest, RefusesWhatItCannotServe) {
  const std::tuple<const char*, http::RequestHead, std::string, const char*> cases[] = {
      {"unknown method", Head("/s/None"), Framed(""), "12"},
      {"unknown method with control bytes", Head("/s/\x01"), Framed(""), "12"},
      {"compressed", Head("/s/Unary", {{"grpc-encoding", "gzip"}}), Framed(""), "12"},
      {"compressed flag", Head("/s/Unary"), std::string("\1\0\0\0\1x", 6), "12"},
      {"bad timeout", Head("/s/Unary", {{"grpc-timeout", "soon"}}), Framed(""), "3"},
      {"too large", Head("/s/Unary"), Framed(std::string(1001, 'x')), "8"},
      {"no message", Head("/s/Unary"), "", "3"},
      {"cut message", Head("/s/Unary"), std::string("\0\0\0\0\2x", 6), "3"},
      {"two messages", Head("/s/Unary"), Framed("a") + Framed("b"), "3"},
      {"no message to a stream", Head("/s/Stream"), "", "3"},
  };
  for (const auto& [name, head, body, status] : cases) {
    SCOPED_TRACE(name);
    Begin(head);
    for (char byte : body) events_->OnBody({&byte, 1});
    events_->OnEnd({});
    ASSERT_TRUE(stream_->head);
    EXPECT_EQ(stream_->head->status, 200);
    EXPECT_EQ(stream_->head->fields.Get("grpc-accept-encoding"), "identity");
    EXPECT_EQ(Status(), status);
    EXPECT_TRUE(stream_->ended);
    EXPECT_FALSE(request_);
  }
}

TEST_F(ServerTest, AnswersOtherRequestsAsPlainHttp) {
  auto get = Head("/s/Unary");
  get.method = "GET";
  Begin(get, true);
  EXPECT_EQ(stream_->head->status, 405);
  EXPECT_FALSE(stream_->reset);
  auto json = Head("/s/Unary");
  json.fields.Set("content-type", "application/json");
  EXPECT_FALSE(IsGrpcRequest(json));
  Begin(json);
  EXPECT_EQ(stream_->head->status, 415);
  EXPECT_EQ(stream_->reset, ResetReason::kNoError) << "the body is not wanted";
  EXPECT_FALSE(stream_->head->fields.Find("grpc-status"));
}

TEST_F(ServerTest, RequestWithoutABodyIsRefused) {
  Begin(Head("/s/Unary"), true);
  EXPECT_EQ(Status(), "3");
}

TEST_F(ServerTest, ClientsCancellationReachesTheMethod) {
  Call("/s/Unary", "request");
  events_->OnReset(ResetReason::kCancel);
  EXPECT_EQ(cancellations_, 1);
  EXPECT_TRUE(context_->cancelled());
  reply_(std::string("too late"));
  EXPECT_FALSE(stream_->head);
}

TEST_F(ServerTest, DeadlineEndsTheCall) {
  Call("/s/Unary", "request", {{"grpc-timeout", "1500m"}});
  EXPECT_EQ(context_->timeout()->count(), 1500);
  EXPECT_EQ(timer_.Fire(), 1);
  EXPECT_EQ(Status(), "4");
  EXPECT_EQ(cancellations_, 1);
  EXPECT_TRUE(context_->cancelled());
  reply_(std::string("too late"));
  EXPECT_EQ(stream_->body, "");
}

TEST_F(ServerTest, DeadlineIsForgottenAfterTheReply) {
  Call("/s/Unary", "request", {{"grpc-timeout", "1500m"}});
  reply_(std::string("response"));
  EXPECT_EQ(timer_.Fire(), 0);
  EXPECT_EQ(cancellations_, 0);
}

TEST_F(ServerTest, StreamsMessagesWithBackpressure) {
  Call("/s/Stream", "");
  EXPECT_TRUE(writer_->Write("one"));
  EXPECT_TRUE(writer_->Write(""));
  EXPECT_EQ(testing::Unframed(stream_->body), (std::vector<std::string>{"one", ""}));
  EXPECT_FALSE(writer_->Write(std::string(limits::kSendQueueBytes, 'x')));
  events_->OnSent(stream_->body.size() - limits::kSendQueueBytes / 2);
  EXPECT_EQ(writable_, 0);
  events_->OnSent(1);
  EXPECT_EQ(writable_, 1);
  events_->OnSent(1000);
  EXPECT_EQ(writable_, 1) << "once for each time that it was full";
  EXPECT_TRUE(writer_->Write("more"));
  writer_->Finish(MakeError(ErrorCode::kUnavailable, "shutting down"));
  EXPECT_EQ(Status(), "14");
  EXPECT_EQ(stream_->trailers.Get("grpc-message"), "shutting down");
  EXPECT_FALSE(writer_->Write("after the end"));
  EXPECT_EQ(testing::Unframed(stream_->body).size(), 4u);
}

TEST_F(ServerTest, StreamWithoutMessagesIsTrailersOnly) {
  Call("/s/Stream", "");
  writer_->Finish({});
  EXPECT_EQ(Status(), "0");
  EXPECT_TRUE(stream_->ended);
}

// The status cannot get past a body that the client does not take.
TEST_F(ServerTest, DeadlineResetsAStreamThatIsStuck) {
  Call("/s/Stream", "", {{"grpc-timeout", "1S"}});
  writer_->Write("unsent");
  timer_.Fire();
  EXPECT_EQ(stream_->reset, ResetReason::kCancel);
  EXPECT_EQ(cancellations_, 1);
  EXPECT_FALSE(writer_->Write("more"));
  writer_->Finish({});
  EXPECT_FALSE(stream_->ended);
}

}  // namespace
}  // namespace mk8s::grpc
