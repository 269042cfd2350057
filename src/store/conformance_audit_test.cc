// What both databases must do alike: the audit log, also when a process or the server dies.
#include <thread>

#include "base/limits.h"
#include "store/conformance_test.h"

namespace mk8s::store {
namespace {

using namespace std::chrono_literals;

AuditEvent Event(WallTime time, AuditStatus status = AuditStatus::kAllowed) {
  return {.id = NewRequestId(time),
          .time = time,
          .user_id = "u1",
          .user = "anna@example.com",
          .cluster_id = "c1",
          .cluster = "dev-eu",
          .command = "kubectl delete pod web-0",
          .status = status,
          .duration_ms = 12,
          .verb = "delete",
          .api_group = "",
          .resource = "pods",
          .namespace_ = "web",
          .name = "web-0",
          .http_status = 200,
          .source_ip = "192.0.2.1",
          .kubectl_session = "k1"};
}

std::vector<AuditEvent> All(Store& store, AuditQuery query = {}) {
  query.limit = 1000;
  auto page = store.QueryAudit(query);
  EXPECT_TRUE(page) << page.error().message << page.error().detail;
  return page ? page->events : std::vector<AuditEvent>{};
}

TEST_P(StoreTest, EventGetsItsOutcomeOnce) {
  AuditEvent event = Event(kNow, AuditStatus::kStarted);
  ASSERT_TRUE(store().WriteAudit({&event, 1}));
  ASSERT_TRUE(store().WriteAudit({&event, 1})) << "a repeat after a lost answer";
  AuditEvent outcome = event;
  outcome.status = AuditStatus::kFailed;
  outcome.duration_ms = 345;
  outcome.http_status = 502;
  outcome.reason = "the agent went away";
  ASSERT_TRUE(store().WriteAudit({&outcome, 1}));
  event.command = "another history";
  ASSERT_TRUE(store().WriteAudit({&event, 1})) << "started again";
  outcome.status = AuditStatus::kAllowed;
  ASSERT_TRUE(store().WriteAudit({&outcome, 1})) << "a second outcome";

  const auto events = All(store());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].status, AuditStatus::kFailed);
  EXPECT_EQ(events[0].command, "kubectl delete pod web-0");
  EXPECT_EQ(events[0].duration_ms, 345);
  EXPECT_EQ(events[0].http_status, 502);
  EXPECT_EQ(events[0].reason, "the agent went away");
  EXPECT_EQ(events[0].time, kNow);
  EXPECT_EQ(events[0].namespace_, "web");
  EXPECT_EQ(events[0].kubectl_session, "k1");
}

TEST_P(StoreTest, GroupsOfAnySizeAndMixedWithOutcomes) {
  std::size_t stored = 0;
  for (const std::size_t size : {1u, 7u, 8u, 63u, 64u, 65u, 200u}) {
    std::vector<AuditEvent> group;
    for (std::size_t i = 0; i < size; ++i) group.push_back(Event(kNow, AuditStatus::kStarted));
    for (std::size_t i = 0; i < size; i += 2) {
      group.push_back(group[i]);
      group.back().status = AuditStatus::kAllowed;
    }
    const auto written = store().WriteAudit(group);
    ASSERT_TRUE(written) << written.error().detail;
    stored += size;
    EXPECT_EQ(All(store()).size(), stored);
  }
}

TEST_P(StoreTest, HostileTextIsStoredPrintable) {
  AuditEvent event = Event(kNow);
  event.command = std::string("get \x1b[2J\n\0 \xff pods", 17);
  event.name = std::string(100'000, 'a');
  const auto written = store().WriteAudit({&event, 1});
  ASSERT_TRUE(written) << written.error().detail;
  const auto events = All(store());
  EXPECT_EQ(events[0].command.find_first_of(std::string("\x1b\n\0\xff", 4)), std::string::npos);
  EXPECT_LT(events[0].name.size(), 5000u);
}

TEST_P(StoreTest, QueryFiltersAndPages) {
  std::vector<AuditEvent> events;
  for (int i = 0; i < 10; ++i) {
    events.push_back(Event(kNow + std::chrono::seconds(i)));
    if (i % 2 == 1) events.back().user = "bob@example.com", events.back().user_id = "u2";
    if (i == 3) events.back().status = AuditStatus::kDenied, events.back().verb = "create";
    if (i == 4) events.back().cluster = "prod", events.back().cluster_id = "c2";
  }
  ASSERT_TRUE(store().WriteAudit(events));
  struct Case {
    const char* name;
    AuditQuery query;
    std::size_t matches;
  };
  const Case cases[] = {
      {"all", {}, 10},
      {"since is inclusive", {.since = kNow + 7s}, 3},
      {"until is exclusive", {.until = kNow + 7s}, 7},
      {"user by e-mail, any case", {.user = "Bob@example.com"}, 5},
      {"user by id", {.user = "u2"}, 5},
      {"cluster by name", {.cluster = "prod"}, 1},
      {"cluster by id", {.cluster = "c2"}, 1},
      {"verb", {.verb = "create"}, 1},
      {"status", {.status = AuditStatus::kDenied}, 1},
      {"id", {.id = events[5].id}, 1},
      {"all at once", {.since = kNow, .user = "u2", .verb = "create"}, 1},
      {"quotes are only text", {.user = "' OR 1=1 --"}, 0},
  };
  for (const Case& test : cases)
    EXPECT_EQ(All(store(), test.query).size(), test.matches) << test.name;

  std::vector<std::string> paged;
  AuditQuery query{.limit = 3};
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = store().QueryAudit(query);
    ASSERT_TRUE(page);
    for (const AuditEvent& event : page->events) paged.push_back(event.id);
    query.before_id = page->next_before_id;
    if (query.before_id.empty()) break;
  }
  std::vector<std::string> expected;
  for (const AuditEvent& event : events) expected.insert(expected.begin(), event.id);
  EXPECT_EQ(paged, expected) << "newest first, each once";
  EXPECT_EQ(store().QueryAudit({.limit = 0})->events.size(), 1u);
}

TEST_P(StoreTest, StartedEventsOfADeadRunAreInterrupted) {
  const AuditEvent old_event = Event(kNow - 1h, AuditStatus::kStarted);
  const AuditEvent new_event = Event(kNow + 1s, AuditStatus::kStarted);
  const AuditEvent events[] = {old_event, new_event, Event(kNow - 1h)};
  ASSERT_TRUE(store().WriteAudit(events));
  EXPECT_EQ(*store().MarkInterrupted(kNow), 1);
  EXPECT_EQ(*store().MarkInterrupted(kNow), 0);
  const auto interrupted = All(store(), {.status = AuditStatus::kInterrupted});
  ASSERT_EQ(interrupted.size(), 1u);
  EXPECT_EQ(interrupted[0].id, old_event.id);
  EXPECT_FALSE(interrupted[0].reason.empty());

  AuditEvent late = old_event;  // it was another replica's, and that one lives
  late.status = AuditStatus::kAllowed;
  ASSERT_TRUE(store().WriteAudit({&late, 1}));
  EXPECT_TRUE(All(store(), {.status = AuditStatus::kInterrupted}).empty());
}

TEST_P(StoreTest, AuditRowsOutliveUserAndCluster) {
  const User user = AddUser("anna@example.com");
  AuditEvent event = Event(kNow);
  event.user_id = user.id;
  ASSERT_TRUE(store().WriteAudit({&event, 1}));
  ASSERT_TRUE(store().DeleteUser(user.id));
  EXPECT_EQ(All(store(), {.user = user.id}).size(), 1u);
}

// A child writes events and says of each group that it is durable; it is killed in the middle.
TEST_P(StoreTest, KilledProcessLosesNothingItWasToldIsDurable) {
  (void)Open();  // the tables exist
  for (int round = 0; round < 3; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto opened = OpenStore(driver(), Secret(url_), 1);
      while (opened) {
        const AuditEvent group[] = {Event(kNow, AuditStatus::kStarted), Event(kNow)};
        if (!(*opened)->WriteAudit(group)) break;
        for (const AuditEvent& event : group) {
          if (::write(acknowledged[1], event.id.data(), 36) != 36) break;
        }
      }
      ::_exit(0);
    }
    ::close(acknowledged[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(200 + 70 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::string ids;
    char buffer[4096];
    for (ssize_t n; (n = ::read(acknowledged[0], buffer, sizeof buffer)) > 0;) {
      ids.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(acknowledged[0]);
    ASSERT_GE(ids.size(), 36u * 2) << "the child wrote nothing";
    for (std::size_t at = 0; at + 36 <= ids.size(); at += 36) {
      ASSERT_EQ(All(store(), {.id = ids.substr(at, 36)}).size(), 1u) << "lost or doubled";
    }
  }
}

}  // namespace
}  // namespace mk8s::store
