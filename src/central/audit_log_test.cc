// The audit queue's promises against a store that works, fails, and works again.
#include "central/audit_log.h"

#include <condition_variable>
#include <future>

#include "store/audit_store.h"

namespace mk8s::central {
namespace {

class FakeStore : public store::AuditStore {
 public:
  Result<void> WriteAudit(std::span<const AuditEvent> events) override {
    const std::lock_guard lock(mutex_);
    if (fails) return MakeError(ErrorCode::kUnavailable, "disk full");
    ++groups_;
    for (const AuditEvent& event : events) rows_.push_back(event);
    return {};
  }
  Result<store::AuditPage> QueryAudit(const AuditQuery&) override { return store::AuditPage{}; }
  Result<std::int64_t> MarkInterrupted(WallTime) override { return 0; }

  std::vector<AuditEvent> rows() {
    const std::lock_guard lock(mutex_);
    return rows_;
  }
  std::atomic<bool> fails{false};

 private:
  std::mutex mutex_;
  std::vector<AuditEvent> rows_;
  int groups_ = 0;
};

template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(AuditLog, WaitersAreDurableWhenTheyReturn) {
  FakeStore store;
  AuditLog log(store);
  log.Record({.id = "read"});
  ASSERT_TRUE(log.RecordAndWait({.id = "write"}));
  const auto rows = store.rows();
  ASSERT_EQ(rows.size(), 2u) << "a waiter takes what was queued before it along";
  EXPECT_EQ(rows[0].id, "read");
  EXPECT_EQ(rows[1].id, "write");
}

TEST(AuditLog, ReadsAreWrittenWithoutAnybodyWaiting) {
  FakeStore store;
  AuditLog log(store);
  log.Record({.id = "read"});
  EXPECT_TRUE(Eventually([&] { return store.rows().size() == 1; }));
}

TEST(AuditLog, AFailingStoreRefusesWaitersAndKeepsTheRest) {
  FakeStore store;
  store.fails = true;
  AuditLog log(store);
  log.Finish({.id = "outcome"});
  const Result<void> refused = log.RecordAndWait({.id = "refused"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(Eventually([&] { return !log.Writable(); }));
  store.fails = false;
  EXPECT_TRUE(Eventually([&] { return log.Writable(); }));
  ASSERT_TRUE(Eventually([&] { return store.rows().size() == 1; }));
  EXPECT_EQ(store.rows()[0].id, "outcome") << "what was refused left no row";
}

TEST(AuditLog, ShutdownWritesWhatIsQueued) {
  FakeStore store;
  {
    AuditLog log(store);
    for (int i = 0; i < 100; ++i) log.Record({.id = std::to_string(i)});
  }
  EXPECT_EQ(store.rows().size(), 100u);
}

}  // namespace
}  // namespace mk8s::central
