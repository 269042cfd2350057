// Calls against a server made by hand: what is sent, and what every ending becomes.
#include "grpc/client.h"

#include <gtest/gtest.h>

#include "grpc/test_streams.h"

namespace mk8s::grpc {
namespace {

using http::ResetReason;
using std::chrono::milliseconds;
using testing::FakeSession;
using testing::FakeTimer;
using testing::Framed;

const http::ResponseHead kOkHead{.status = 200, .fields = {{"content-type", "application/grpc"}}};

struct Unary {
  Unary() : Unary(CallOptions{.deadline = milliseconds(1500), .authority = "a.test"}) {}
  explicit Unary(const CallOptions& options) {
    call = UnaryCall(session, timer, "/pkg.Service/Method", "request", options,
                     [this](Result<std::string> given) {
                       ++count;
                       result.emplace(std::move(given));
                     });
  }
  ErrorCode code() const { return result->error().code; }

  FakeSession session;
  FakeTimer timer;
  std::shared_ptr<ClientCall> call;
  std::optional<Result<std::string>> result;
  int count = 0;
};

TEST(UnaryCall, SendsWhatTheSpecificationAsksFor) {
  Unary unary(CallOptions{
      .deadline = milliseconds(1500), .authority = "a.test", .metadata = {{"x-request-id", "7"}}});
  const auto& head = unary.session.head;
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/pkg.Service/Method");
  EXPECT_EQ(head.authority, "a.test");
  EXPECT_EQ(head.fields.Get("te"), "trailers");
  EXPECT_EQ(head.fields.Get("content-type"), "application/grpc");
  EXPECT_EQ(head.fields.Get("grpc-timeout"), "1500m");
  EXPECT_EQ(head.fields.Get("grpc-accept-encoding"), "identity");
  EXPECT_EQ(head.fields.Get("x-request-id"), "7");
  EXPECT_FALSE(unary.session.head_ended);
  EXPECT_EQ(unary.session.stream->body, Framed("request"));
  EXPECT_TRUE(unary.session.stream->ended);
  EXPECT_EQ(unary.count, 0);
}

TEST(UnaryCall, GivesTheResponseOnce) {
  Unary unary;
  unary.session.events->OnHead(kOkHead, false);
  unary.session.events->OnBody(Framed("response"));
  EXPECT_EQ(unary.count, 0);
  unary.session.events->OnEnd({{"grpc-status", "0"}});
  ASSERT_TRUE(unary.result);
  ASSERT_TRUE(*unary.result);
  EXPECT_EQ(unary.result->value(), "response");
  EXPECT_EQ(unary.session.stream->consumed, Framed("response").size());
  unary.session.events->OnReset(ResetReason::kCancel);
  unary.call->Cancel();
  EXPECT_EQ(unary.timer.Fire(), 0);
  EXPECT_EQ(unary.count, 1);
}

// Everything that can go wrong after the head, and the code that it becomes.
TEST(UnaryCall, TurnsEveryFailureIntoACode) {
  const http::Fields ok{{"grpc-status", "0"}};
  const http::Fields denied{{"grpc-status", "7"}, {"grpc-message", "not%20you"}};
  const std::tuple<const char*, http::ResponseHead, std::string, std::optional<http::Fields>,
                   ErrorCode>
      cases[] = {
          {"status", kOkHead, "", denied, ErrorCode::kPermissionDenied},
          {"trailers only",
           {.status = 200, .fields = denied},
           "",
           {},
           ErrorCode::kPermissionDenied},
          {"status beats HTTP status",
           {.status = 503, .fields = denied},
           "",
           {},
           ErrorCode::kPermissionDenied},
          {"HTTP 503", {.status = 503}, "", {}, ErrorCode::kUnavailable},
          {"HTTP 404", {.status = 404}, "", {}, ErrorCode::kUnimplemented},
          {"HTTP 401", {.status = 401}, "", {}, ErrorCode::kUnauthenticated},
          {"a web page",
           {.status = 200, .fields = {{"content-type", "text/html"}}},
           "<html>",
           {},
           ErrorCode::kInternal},
          {"no status", kOkHead, Framed("x"), http::Fields{}, ErrorCode::kInternal},
          {"no message", kOkHead, "", ok, ErrorCode::kInternal},
          {"two messages", kOkHead, Framed("x") + Framed("y"), ok, ErrorCode::kInternal},
          {"cut message", kOkHead, Framed("x") + std::string("\0\0", 2), ok, ErrorCode::kInternal},
          {"too large", kOkHead, std::string("\0\x7f\0\0\0", 5), {}, ErrorCode::kTooLarge},
          {"compressed", kOkHead, std::string("\1\0\0\0\0", 5), {}, ErrorCode::kUnimplemented},
      };
  for (const auto& [name, head, body, trailers, code] : cases) {
    SCOPED_TRACE(name);
    Unary unary;
    unary.session.events->OnHead(head, false);
    unary.session.events->OnBody(body);
    if (trailers) unary.session.events->OnEnd(*trailers);
    ASSERT_TRUE(unary.result);
    ASSERT_FALSE(*unary.result);
    EXPECT_EQ(unary.code(), code);
    EXPECT_EQ(unary.session.stream->reset, ResetReason::kCancel);
    EXPECT_EQ(unary.count, 1);
  }
}

TEST(UnaryCall, TurnsEveryResetIntoACode) {
  const std::tuple<ResetReason, ErrorCode> cases[] = {
      {ResetReason::kNoError, ErrorCode::kInternal},
      {ResetReason::kCancel, ErrorCode::kCancelled},
      {ResetReason::kRefused, ErrorCode::kUnavailable},
      {ResetReason::kProtocolError, ErrorCode::kInternal},
      {ResetReason::kInternal, ErrorCode::kInternal},
      {ResetReason::kFlowControl, ErrorCode::kInternal},
      {ResetReason::kEnhanceYourCalm, ErrorCode::kResourceExhausted},
      {ResetReason::kConnectionLost, ErrorCode::kUnavailable},
  };
  for (const auto& [reason, code] : cases) {
    Unary unary;
    unary.session.events->OnReset(reason);
    ASSERT_TRUE(unary.result);
    EXPECT_EQ(unary.code(), code) << http::Name(reason);
  }
}

// grpcio names an encoding that it then does not use, when the client does not accept it.
TEST(UnaryCall, TakesPlainMessagesUnderAnyEncoding) {
  Unary unary;
  auto head = kOkHead;
  head.fields.Add("grpc-encoding", "gzip");
  unary.session.events->OnHead(head, false);
  unary.session.events->OnBody(Framed("response"));
  unary.session.events->OnEnd({{"grpc-status", "0"}});
  ASSERT_TRUE(unary.result && *unary.result);
  EXPECT_EQ(unary.result->value(), "response");
}

TEST(UnaryCall, DeadlineResetsTheStream) {
  Unary unary;
  EXPECT_EQ(unary.timer.Fire(), 1);
  ASSERT_TRUE(unary.result);
  EXPECT_EQ(unary.code(), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(unary.session.stream->reset, ResetReason::kCancel);
  unary.session.events->OnReset(ResetReason::kCancel);
  EXPECT_EQ(unary.count, 1);
}

TEST(UnaryCall, CancelEndsItFromALaterTurn) {
  Unary unary(CallOptions{});
  EXPECT_FALSE(unary.session.head.fields.Find("grpc-timeout"));
  unary.call->Cancel();
  EXPECT_EQ(unary.count, 0);
  EXPECT_EQ(unary.session.stream->reset, ResetReason::kCancel);
  unary.session.events->OnReset(ResetReason::kCancel);
  EXPECT_EQ(unary.code(), ErrorCode::kCancelled);
}

TEST(ServerStreamingCall, HoldsTheServerWhileMessagesAreNotReleased) {
  FakeSession session;
  FakeTimer timer;
  std::vector<std::string> messages;
  std::optional<Result<void>> result;
  const auto call = ServerStreamingCall(
      session, timer, "/pkg.Service/Watch", "", {},
      {.on_message = [&](std::string message) { messages.push_back(std::move(message)); },
       .on_done = [&](Result<void> given) { result.emplace(std::move(given)); }});
  session.events->OnHead(kOkHead, false);
  const std::string framed = Framed(std::string(limits::kStreamWindowBytes, 'x'));
  session.events->OnBody(std::string_view(framed).substr(0, 1000));
  EXPECT_EQ(session.stream->consumed, 1000u) << "part of a message must not stop its rest";
  session.events->OnBody(std::string_view(framed).substr(1000));
  EXPECT_EQ(messages.size(), 1u);
  EXPECT_EQ(session.stream->consumed, 1000u);
  session.events->OnBody(Framed("y"));
  EXPECT_EQ(messages.size(), 2u);
  EXPECT_EQ(session.stream->consumed, 1000u);
  call->Release(messages[0].size());
  EXPECT_EQ(session.stream->consumed, framed.size() + Framed("y").size());
  session.events->OnEnd({{"grpc-status", "0"}});
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result);
}

}  // namespace
}  // namespace mk8s::grpc
