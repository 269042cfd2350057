// A central without sockets for the REST tests: a SQLite store in a temporary folder, a loop on a
// thread, and requests that go straight into Rest.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "auth/continue_token.h"
#include "auth/role_parse.h"
#include "auth/signing_key.h"
#include "base/ids.h"
#include "central/accounts.h"
#include "central/audit_log.h"
#include "central/authenticator.h"
#include "central/rest.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "central/tunnels.h"
#include "config/central_config.h"
#include "net/loop.h"
#include "net/work_pool.h"
#include "store/store.h"

namespace mk8s::central {

inline constexpr WallTime kTestTime{std::chrono::milliseconds(1'795'500'000'000)};
inline constexpr std::string_view kAdminEmail = "admin@example.com";
inline constexpr std::string_view kPassword = "correct horse battery";

struct TestAnswer {
  http::ResponseHead head;
  std::string body;
  int status() const { return head.status; }
  boost::json::value Json() const { return boost::json::parse(body); }
  std::string Text(std::string_view key) const {
    return std::string(Json().as_object().at(key).as_string());
  }
  std::string ErrorCode() const { return std::string(Json().at("error").at("code").as_string()); }
};

/// Keeps what is sent; `Done` once it ended.
class RecordingStream : public http::ResponseStream {
 public:
  std::future<TestAnswer> Done() { return done_.get_future(); }
  void SendHead(const http::ResponseHead& head, bool end) override {
    answer_.head = head;
    if (end) done_.set_value(answer_);
  }
  void SendContinue() override {}
  void SendBody(std::string_view bytes) override { answer_.body += bytes; }
  void SendEnd(const http::Fields&) override { done_.set_value(answer_); }
  void Reset(http::ResetReason) override {}
  void Consume(std::size_t) override {}

 private:
  TestAnswer answer_;
  std::promise<TestAnswer> done_;
};

/// The audit log of `store`, which can be made to fail.
class BreakableAudit : public store::AuditStore {
 public:
  explicit BreakableAudit(std::unique_ptr<store::Store>& store) : store_(store) {}
  void Break(bool broken) { broken_ = broken; }
  Result<void> WriteAudit(std::span<const AuditEvent> events) override {
    if (broken_) return MakeError(ErrorCode::kUnavailable, "the disk is full");
    return store_->WriteAudit(events);
  }
  Result<store::AuditPage> QueryAudit(const AuditQuery& query) override {
    return store_->QueryAudit(query);
  }
  Result<std::int64_t> MarkInterrupted(WallTime before) override {
    return store_->MarkInterrupted(before);
  }

 private:
  std::unique_ptr<store::Store>& store_;
  std::atomic<bool> broken_{false};
};

class RestTest : public testing::Test {
 protected:
  RestTest() {
    char name[] = "/tmp/mk8s-rest-XXXXXX";
    folder_ = ::mkdtemp(name);
    config_.auth.bcrypt_cost = 4;
    store_ = *store::OpenStore("sqlite", Secret(folder_ + "/mk8s.db"), 1);
    EXPECT_TRUE(store_->EnsureBuiltInRoles(auth::BuiltInRoles()));
    NewAccount(std::string(kAdminEmail), {"admin"});
    snapshots_ = std::make_unique<Snapshots>(*store_, clock_);
    EXPECT_TRUE(snapshots_->Reload());
    audit_ = std::make_unique<AuditLog>(audit_store_);
    authenticator_ = std::make_unique<Authenticator>(Key(), clock_, *snapshots_);
    services_ = std::unique_ptr<Services>(new Services{config_, clock_, *store_, pool_, *snapshots_,
                                                       *audit_, Key(), Tokens(), *authenticator_,
                                                       tunnels_, "CA"});
    rest_ = std::make_unique<Rest>(*services_);
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~RestTest() override {
    loop_.Stop();
    thread_.join();
    rest_.reset();
    pool_.Stop();
    audit_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static const auth::SigningKey& Key() {
    static const auth::SigningKey key = *auth::SigningKey::Generate();
    return key;
  }

  static const auth::ContinueTokens& Tokens() {
    static const auth::ContinueTokens tokens = *auth::ContinueTokens::FromSigningKey(Key());
    return tokens;
  }

  User NewAccount(const std::string& email, std::vector<std::string> roles) {
    auto created =
        CreateAccount(*store_, {email, Secret(std::string(kPassword)), roles}, 4, clock_.Now());
    EXPECT_TRUE(created) << created.error().message;
    EXPECT_TRUE(!snapshots_ || snapshots_->Reload());
    return created->user;
  }

  TestAnswer Call(const std::string& method, const std::string& target,
                  const std::string& body = "", const std::string& token = "",
                  http::Fields fields = {}) {
    auto stream = std::make_shared<RecordingStream>();
    auto done = stream->Done();
    if (!token.empty()) fields.Add("authorization", "Bearer " + token);
    http::RequestHead head{
        .method = method, .authority = "mk8s.test", .target = target, .fields = std::move(fields)};
    clock_.Advance(std::chrono::milliseconds(1));  // so that audit events have an order
    // By value: an answer may come before the body was given.
    loop_.Post([this, stream, head, body] {
      events_ = rest_->OnRequest(head, body.empty(), stream, loop_, "192.0.2.1",
                                 NewRequestId(clock_.Now()));
      if (body.empty()) return;
      events_->OnBody(body);
      events_->OnEnd({});
    });
    TestAnswer answer = done.get();
    EXPECT_FALSE(answer.head.fields.Get("x-request-id").empty()) << method << " " << target;
    return answer;
  }

  TestAnswer TryLogin(std::string_view email, std::string_view password) {
    return Call(
        "POST", "/auth/login",
        boost::json::serialize(boost::json::object{{"email", email}, {"password", password}}));
  }
  std::string Login(std::string_view email, std::string_view password = kPassword) {
    const TestAnswer answer = TryLogin(email, password);
    EXPECT_EQ(answer.status(), 200) << answer.body;
    return answer.status() == 200 ? answer.Text("token") : "";
  }
  std::string AdminToken() { return Login(kAdminEmail); }

  /// Events so far, newest first; waits for the queue.
  std::vector<AuditEvent> Audit(AuditQuery query = {}) {
    EXPECT_TRUE(audit_->RecordAndWait({.id = NewRequestId(kTestTime - std::chrono::hours(1)),
                                       .time = kTestTime,
                                       .command = "flush"}));
    std::vector<AuditEvent> events = store_->QueryAudit(query)->events;
    std::erase_if(events, [](const AuditEvent& event) { return event.command == "flush"; });
    return events;
  }

  std::string folder_;
  config::CentralConfig config_;
  ManualClock clock_{kTestTime};
  std::unique_ptr<store::Store> store_;
  BreakableAudit audit_store_{store_};
  net::WorkPool pool_{2};
  Tunnels tunnels_{clock_};
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Rest> rest_;
  net::Loop loop_;
  std::shared_ptr<http::StreamEvents> events_;  // of the last call
  std::thread thread_;
};

}  // namespace mk8s::central
