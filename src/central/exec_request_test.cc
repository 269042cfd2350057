// The exec route against an agent of the test's own: forms, statuses, the audit log, cancelling.
#include "central/exec_test.h"

namespace mk8s::central {
namespace {

TEST_F(ExecTest, AnswersWithOneObject) {
  const TestAnswer answer =
      Exec(R"({"command":["get","echo","--password-file=abc"],"stdin":"grüße",)"
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
  EXPECT_EQ(event.command, "kubectl get echo --password-file=***");
  EXPECT_EQ(event.cluster, "dev");
  EXPECT_EQ(event.source_ip, "192.0.2.7");
  EXPECT_EQ(event.http_status, 200);
  EXPECT_EQ(event.kubectl_session, event.id);
  EXPECT_EQ(event.reason, "exit code 3; stdout 7, stderr 9, stdin 7 bytes");
}

TEST_F(ExecTest, StreamsEvents) {
  const TestAnswer answer =
      Exec(R"({"command":["get","echo"],"stdin":"x"})", {{"accept", "text/event-stream"}});
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.head.fields.Get("content-type"), "text/event-stream");
  EXPECT_EQ(answer.body,
            "event: stderr\ndata: {\"data_base64\":\"dG8gc3RkZXJy\"}\n\n"
            "event: stdout\ndata: {\"data_base64\":\"eA==\"}\n\n"
            "event: exit\ndata: {\"exit_code\":3}\n\n");
}

TEST_F(ExecTest, SpeaksOverAWebSocket) {
  const CallUnderWay call =
      OpenSocket(R"({"command":["get","read"],"tty":true,"columns":100,"rows":50})");
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
  const std::string good = R"({"command":["get","echo"]})";
  const Case cases[] = {
      {good, "", 401},
      {good, "nonsense", 401},
      {good, other, 404},
      {good, "-", 404, "POST", "nowhere"},
      {good, "-", 405, "PUT"},
      {"", "-", 405, "GET"},
      {"", "-", 405, "HEAD"},
      {"", "-", 400},
      {"[]", "-", 400},
      {R"({"command":[]})", "-", 400},
      {R"({"command":"get pods"})", "-", 400},
      {R"({"command":["a\u0000"]})", "-", 400},
      {R"({"command":["get","echo"],"tty":true})", "-", 400},
      {R"({"command":["get","echo"],"shell":true})", "-", 400},
      {R"({"command":["get","echo"],"files":[{"path":"a","content_base64":"?"}]})", "-", 400},
      {R"({"command":["get","echo"],"stdin":")" + std::string(limits::kExecInputBytesMax + 1, 'x') +
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

TEST_F(ExecTest, RefusesWhatMustNotRunBesideTheAgent) {
  const TestAnswer answer = Exec(R"({"command":["get","echo","--token=abc"]})");
  EXPECT_EQ(answer.status(), 400);
  EXPECT_NE(answer.body.find("--token is refused beside the agent"), std::string::npos)
      << answer.body;
  EXPECT_EQ(request_.argv_size(), 0);
  const AuditEvent event = LastExec();
  EXPECT_EQ(event.status, AuditStatus::kDenied);
  EXPECT_EQ(event.command, "kubectl get echo --token=***");
  EXPECT_NE(event.reason.find("as you"), std::string::npos) << event.reason;
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
      const TestAnswer answer = Exec(R"({"command":["get","refuse"]})", {{"accept", accept}});
      EXPECT_EQ(answer.status(), c.status) << Name(c.code);
      EXPECT_EQ(answer.head.fields.Get("retry-after"), c.retry_after);
      EXPECT_EQ(LastExec().status, c.audited) << Name(c.code);
    }
  }
}

TEST_F(ExecTest, BoundsTheOneAnswer) {
  EXPECT_EQ(Exec(R"({"command":["get","flood"]})").status(), 413);
  cancelled_ = {};
  EXPECT_EQ(Exec(R"({"command":["get","flood"]})", {{"accept", "text/event-stream"}}).status(),
            200);
}

TEST_F(ExecTest, ACallerWhoLeavesEndsTheCommand) {
  const CallUnderWay call = Open(R"({"command":["get","wait"]})");
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
  const CallUnderWay call = Open(R"({"command":["get","wait"]})", {{"accept", "text/event-stream"}},
                                 Login("dev@example.com"));
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
