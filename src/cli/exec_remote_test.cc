// `mk8s exec-remote` against a WebSocket of canned answers.
#include "cli/remote_command.h"
#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

using testing::HasSubstr;

class ExecRemoteTest : public CliTest {
 protected:
  ExecRemoteTest() {
    central.Answer("GET /clusters", 200,
                   R"({"clusters":[{"id":"1","name":"prod","status":"connected"}]})");
    LogIn(std::chrono::hours(1), "prod");
  }
  static std::string Text(const std::string& text) {
    return http::WebSocketFrame(http::WebSocketRole::kServer, http::WebSocketOpcode::kText, text);
  }
  static std::string Closed(std::uint16_t code = http::kCloseNormal) {
    return http::WebSocketClose(http::WebSocketRole::kServer, code);
  }
};

TEST_F(ExecRemoteTest, PassesOutputAndExitCodeOn) {
  central.AnswerSocket(Text(R"({"type":"stdout","data_base64":"b25lCg=="})") +
                       Text(R"({"type":"stderr","data_base64":"dHdvCg=="})") +
                       Text(R"({"type":"stdout","data_base64":"AP8="})") +
                       Text(R"({"type":"exit","exit_code":3})") + Closed());
  EXPECT_EQ(Run({"exec-remote", "get", "pods", "-n", "x"}), 3) << Messages();
  EXPECT_EQ(Output(), std::string("one\n\0\xff", 6));
  EXPECT_EQ(Messages(), "two\n");
  EXPECT_EQ(central.socket_messages(),
            std::vector<std::string>{R"({"command":["get","pods","-n","x"],"stdin":""})"});
  EXPECT_EQ(central.exchanges().back().authorization, "Bearer token-1");
}

TEST_F(ExecRemoteTest, SaysWhyItFailed) {
  struct Case {
    std::string bytes;
    int code;
    std::string message;
  };
  const Case cases[] = {
      {Text(R"({"type":"error","error":{"code":"invalid_argument","message":"no plugins here",)"
            R"("request_id":"r-7"}})") +
           Closed(http::kCloseInternal),
       2, "no plugins here\n  request id: r-7"},
      {"", 1, "the connection to central was lost"},
      {std::string("\xff\xff"), 1, "broke the WebSocket's protocol"},
      {Text("[]") + Text("{}") + Closed(), 1, "the connection to central was lost"},
  };
  for (const Case& c : cases) {
    central.AnswerSocket(c.bytes);
    EXPECT_EQ(Run({"exec-remote", "get", "pods"}), c.code) << c.message;
    EXPECT_THAT(Messages(), HasSubstr(c.message));
  }
}

TEST_F(ExecRemoteTest, RefusesBeforeItAsks) {
  EXPECT_EQ(Run({"exec-remote"}), 2);
  EXPECT_EQ(Run({"exec-remote", "get", "pods", "--context", "x"}), 2);
  EXPECT_EQ(Run({"exec-remote", "cp", "a", "b:/c"}), 2);
  EXPECT_THAT(Messages(), HasSubstr("run it on your machine: mk8s kubectl cp ..."));
  EXPECT_TRUE(central.exchanges().empty());
  EXPECT_EQ(Run({"exec-remote", "get", "pods"}), 1) << "central refuses the WebSocket";
}

TEST(ExecOrder, NamesFilesAndTerminal) {
  PackedCommand command{
      .arguments = {"exec", "-it", "web"}, .files = {{"a.yaml", "x"}}, .reads_stdin = true};
  EXPECT_EQ(
      ExecOrderMessage(command, TerminalSize{100, 30}),
      R"({"command":["exec","-it","web"],"files":[{"path":"a.yaml","content_base64":"eA=="}],)"
      R"("tty":true,"columns":100,"rows":30})");
}

}  // namespace
}  // namespace mk8s::cli
