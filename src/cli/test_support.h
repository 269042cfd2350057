// For the tests of this folder: a context with a temporary home, a central of canned answers, a
// person with prepared answers, and golden files.  Only *_test.cc includes this.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/dispatch.h"
#include "cli/files.h"
#include "http/websocket.h"

namespace mk8s::cli {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = testing::TempDir() + "mk8s-cli-XXXXXX";
    path_ = mkdtemp(path.data());
  }
  ~TemporaryFolder() {
    std::error_code failure;
    std::filesystem::remove_all(path_, failure);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What central answers to "METHOD path": the answers in turn, the last one for ever.
class FakeCentral {
 public:
  struct Exchange {
    std::string line;  // "GET /clusters"
    std::string authorization;
    std::string body;
  };

  void Answer(const std::string& line, int status, std::string body) {
    answers_[line].push_back({status, std::move(body)});
  }
  /// What a WebSocket's other end sends, in one go, once it is open.
  void AnswerSocket(std::string bytes) { socket_bytes_ = std::move(bytes); }
  /// What the WebSocket was sent, unmasked: its text messages.
  const std::vector<std::string>& socket_messages() const { return socket_messages_; }
  void Fail(Error error) { failure_ = std::move(error); }
  const std::vector<Exchange>& exchanges() const { return exchanges_; }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const Exchange& exchange : exchanges_) lines.push_back(exchange.line);
    return lines;
  }

  Result<net::Response> Serve(std::string_view method, std::string_view path,
                              const http::Fields& fields, std::string_view body) {
    const std::string line = std::string(method) + " " + std::string(path);
    exchanges_.push_back({line, std::string(fields.Get("authorization")), std::string(body)});
    if (failure_) return *failure_;
    const auto found = answers_.find(line);
    net::Response response;
    response.fields.Add("x-request-id", "req-1");
    if (found == answers_.end()) {
      response.status = 404;
      response.body = R"({"error":{"code":"not_found","message":"no answer for )" + line +
                      R"(","request_id":"req-1"}})";
      return response;
    }
    response.status = found->second.front().first;
    response.body = found->second.front().second;
    if (found->second.size() > 1) found->second.pop_front();
    return response;
  }

  Result<net::Response> ServeWebSocket(std::string_view path, const http::Fields& fields,
                                       net::UpgradeHandler& handler) {
    if (!socket_bytes_) return Serve("GET", path, fields, {});
    struct Sent : http::Stream {
      void SendBody(std::string_view bytes) override { body += bytes; }
      void SendEnd(const http::Fields&) override {}
      void Reset(http::ResetReason) override {}
      void Consume(std::size_t) override {}
      std::string body;
    };
    exchanges_.push_back(
        {"GET " + std::string(path), std::string(fields.Get("authorization")), ""});
    net::Loop loop;
    const auto stream = std::make_shared<Sent>();
    loop.Post([&] {
      handler.OnStart(loop);
      handler.OnOpen(stream);
      handler.OnBytes(*socket_bytes_);
      handler.OnClosed();
    });
    loop.RunUntil([&] { return handler.Done(); });
    http::WebSocketReader reader(http::WebSocketRole::kServer, limits::kExecBodyBytesMax);
    reader.Push(stream->body, [&](http::WebSocketMessage message) {
      socket_messages_.push_back(std::move(message.payload));
    });
    net::Response response;
    response.status = 101;
    return response;
  }

 private:
  std::optional<std::string> socket_bytes_;
  std::vector<std::string> socket_messages_;
  std::map<std::string, std::deque<std::pair<int, std::string>>> answers_;
  std::vector<Exchange> exchanges_;
  std::optional<Error> failure_;
};

class FakeTransport : public Transport {
 public:
  explicit FakeTransport(FakeCentral& central) : central_(central) {}
  Result<net::Response> Send(std::string_view method, std::string_view path,
                             const http::Fields& fields, std::string_view body) override {
    return central_.Serve(method, path, fields, body);
  }
  Result<net::Response> OpenWebSocket(std::string_view path, const http::Fields& fields,
                                      net::UpgradeHandler& handler) override {
    return central_.ServeWebSocket(path, fields, handler);
  }
  Result<std::string> Fingerprint() override { return std::string("AB:CD:EF"); }

 private:
  FakeCentral& central_;
};

/// Gives the prepared answers in turn; running out is Ctrl-D.
class FakePrompt : public Prompt {
 public:
  std::deque<std::string> answers;
  std::vector<std::string> questions;

  Result<std::string> Line(std::string_view question, std::string_view fallback) override {
    MK8S_ASSIGN_OR_RETURN(std::string answer, Next(question));
    return answer.empty() ? std::string(fallback) : answer;
  }
  Result<Secret> Password(std::string_view question) override {
    MK8S_ASSIGN_OR_RETURN(std::string answer, Next(question));
    return Secret(std::move(answer));
  }
  Result<bool> Confirm(std::string_view question) override {
    MK8S_ASSIGN_OR_RETURN(const std::string answer, Next(question));
    return answer == "y";
  }
  Result<std::size_t> Pick(std::string_view title, const std::vector<std::string>& options,
                           std::size_t) override {
    MK8S_ASSIGN_OR_RETURN(const std::string answer, Next(title));
    for (std::size_t i = 0; i < options.size(); ++i) {
      if (options[i].starts_with(answer)) return i;
    }
    return MakeError(ErrorCode::kCancelled, "cancelled");
  }

 private:
  Result<std::string> Next(std::string_view question) {
    questions.emplace_back(question);
    if (answers.empty()) return MakeError(ErrorCode::kCancelled, "cancelled");
    std::string answer = answers.front();
    answers.pop_front();
    return answer;
  }
};

inline constexpr const char* kTestUrl = "https://mk8s.example.com";

class CliTest : public testing::Test {
 protected:
  CliTest() {
    setenv("TZ", "UTC", 1);
    environment.Set("HOME", folder.path().string());
    environment.Set("PATH", "/nonexistent");
  }

  std::filesystem::path HomeFolder() const { return folder.path() / ".mk8s"; }

  /// A session with `token_left` to go, and config.yaml naming central.
  void LogIn(std::chrono::milliseconds token_left = std::chrono::hours(1),
             const std::string& cluster = "") {
    const Home home(HomeFolder());
    ASSERT_TRUE(home.Prepare());
    ASSERT_TRUE(WriteFileAtomically(
        home.ConfigFile(), FormatConfigFile({.central_url = kTestUrl, .current_cluster = cluster}),
        0600));
    Session session;
    session.email = "dev@example.com";
    session.token = Secret("token-1");
    session.expires_at = clock.Now() + token_left;
    session.refresh_token = Secret("refresh-1");
    session.refresh_expires_at = clock.Now() + std::chrono::hours(24 * 7);
    ASSERT_TRUE(CredentialStore(home).Save(kTestUrl, session));
    // Today's version check is done.
    ASSERT_TRUE(WriteFileAtomically(home.VersionCheckFile(), "", 0600));
  }

  int Run(const std::vector<std::string>& words) {
    in.clear();
    in.str(input);
    out.str("");
    err.str("");
    Context context{
        .environment = environment,
        .terminal = terminal,
        .in = in,
        .out = out,
        .err = err,
        .clock = clock,
        .prompt = prompt,
        .connect = [this](Endpoint endpoint) -> std::unique_ptr<Transport> {
          endpoints.push_back(std::move(endpoint));
          return std::make_unique<FakeTransport>(central);
        },
        .sleep = [this](std::chrono::milliseconds time) { OnSleep(time); },
        .program = "/usr/bin/mk8s",
        .flags = {},
    };
    const int code = Dispatch(context, words);
    raised_signal = context.raise_signal;
    return code;
  }

  virtual void OnSleep(std::chrono::milliseconds time) { clock.Advance(time); }

  std::string Output() const { return out.str(); }
  std::string Messages() const { return err.str(); }

  TemporaryFolder folder;
  ManualClock clock{*ParseTime("2026-11-24T10:00:00Z")};
  FakeCentral central;
  FakePrompt prompt;
  Environment environment;
  Terminal terminal;
  std::string input;
  std::vector<Endpoint> endpoints;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  int raised_signal = 0;
};

/// Compares with test/golden/cli/NAME; MK8S_GOLDEN_UPDATE=1 writes it instead.
inline void ExpectGolden(const std::string& name, const std::string& actual) {
  const std::filesystem::path file = std::filesystem::path(MK8S_GOLDEN_FOLDER) / "cli" / name;
  if (std::getenv("MK8S_GOLDEN_UPDATE") != nullptr) {
    std::ofstream(file) << actual;
    return;
  }
  const Result<std::string> expected = ReadFile(file);
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(actual, *expected) << "in " << name;
}

}  // namespace mk8s::cli
