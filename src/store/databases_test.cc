// What is particular to one database: files and their errors, a server that restarts, large states.
#include "store/databases.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "store/conformance_test.h"
#include "store/migrations.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

using namespace std::chrono_literals;

class SqliteFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mk8s-store-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(SqliteFileTest, FilesAreForTheOwnerAlone) {
  const mode_t before = ::umask(0);
  const auto store = OpenStore("sqlite", Secret(folder_ + "/mk8s.db"), 1);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->PutSecretOnce("ca_key", "sealed"));
  ::umask(before);
  for (const char* name : {"/mk8s.db", "/mk8s.db-wal", "/mk8s.db-shm"}) {
    struct stat file {};
    ASSERT_EQ(::stat((folder_ + name).c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(SqliteFileTest, ErrorsNameTheFileAndTheNextStep) {
  std::ofstream(folder_ + "/text.db") << std::string(4096, 'x');
  std::filesystem::create_directory(folder_ + "/folder.db");
  struct Case {
    std::string driver, url;
    ErrorCode code;
    std::vector<std::string> says;
  };
  const Case cases[] = {
      {"sqlite",
       "sqlite://" + folder_ + "/missing/mk8s.db",
       ErrorCode::kPermissionDenied,
       {folder_ + "/missing/mk8s.db", "No such file or directory", "database.url"}},
      {"sqlite",
       folder_ + "/folder.db",
       ErrorCode::kPermissionDenied,
       {"folder.db", "write access"}},
      {"sqlite", folder_ + "/text.db", ErrorCode::kDataLoss, {"text.db", "not a SQLite database"}},
      {"sqlite", "postgres://db/mk8s", ErrorCode::kInvalidArgument, {"database.url"}},
      {"mysql", "mysql://db", ErrorCode::kInvalidArgument, {"database.driver", "mysql"}},
      {"postgres",
       "host=" + folder_ + " dbname=x",
       ErrorCode::kUnavailable,
       {"PostgreSQL", folder_, "database.url"}},
  };
  for (const Case& test : cases) {
    const auto store = OpenStore(test.driver, Secret(test.url), 1);
    ASSERT_FALSE(store) << test.url;
    EXPECT_EQ(store.error().code, test.code) << test.url << ": " << store.error().detail;
    for (const std::string& word : test.says) {
      EXPECT_THAT(store.error().message, testing::HasSubstr(word)) << test.url;
    }
  }
}

TEST_F(SqliteFileTest, ReadOnlyFileIsRefusedAtOnce) {
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  ASSERT_TRUE(OpenStore("sqlite", Secret(folder_ + "/mk8s.db"), 1));
  std::filesystem::permissions(folder_ + "/mk8s.db", std::filesystem::perms(0444));
  const uid_t self = ::geteuid();
  // Root writes anywhere, so another user opens it.
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);
  const auto store = OpenStore("sqlite", Secret(folder_ + "/mk8s.db"), 1);
  ASSERT_EQ(::seteuid(self), 0);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kPermissionDenied) << store.error().detail;
  EXPECT_THAT(store.error().message, testing::HasSubstr(folder_ + "/mk8s.db"));
}

TEST_F(SqliteFileTest, NewerSchemaIsLeftAlone) {
  auto database = OpenSqlite(folder_ + "/mk8s.db");
  ASSERT_TRUE(database);
  ASSERT_TRUE(Migrate(**database));
  ASSERT_TRUE((*database)->Run(Access::kWrite, [](Connection& connection) -> Result<void> {
    MK8S_RETURN_IF_ERROR(connection.Execute("INSERT INTO schema_migrations VALUES (99, 'now')"));
    return {};
  }));
  const auto store = OpenStore("sqlite", Secret(folder_ + "/mk8s.db"), 1);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(store.error().message, testing::HasSubstr("99"));
}

TEST_F(SqliteFileTest, FailedBodyLeavesNothing) {
  auto database = OpenSqlite(folder_ + "/mk8s.db");
  ASSERT_TRUE(Migrate(**database));
  const auto result = (*database)->Run(Access::kWrite, [](Connection& connection) -> Result<void> {
    MK8S_RETURN_IF_ERROR(connection.Execute("UPDATE changes SET number = 77"));
    return MakeError(ErrorCode::kInternal, "no");
  });
  EXPECT_FALSE(result);
  EXPECT_EQ(*SqlStore(*std::move(database)).ChangeNumber(), 1);
}

TEST_P(StoreTest, LoadsTenThousandOfEachQuickly) {
  constexpr int kCount = 10'000;
  auto database = driver() == "sqlite" ? OpenSqlite(url_.substr(9)) : OpenPostgres(url_, 2);
  ASSERT_TRUE(database);
  ASSERT_TRUE(Migrate(**database));
  ASSERT_TRUE((*database)->Run(Access::kWrite, [&](Connection& connection) {
    const std::string series =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(kCount) + ") SELECT ";
    const std::string now = "'" + FormatTime(kNow) + "'", later = "'" + FormatTime(kNow + 1h) + "'";
    return connection.ExecuteScript(
        "INSERT INTO users " + series +
        "'u' || i, 'u' || i || '@example.com', 'h', FALSE, FALSE, " + now + ", " + now +
        " FROM n;"
        "INSERT INTO roles " +
        series +
        "'r' || i, 'role-' || i, '{\"name\": \"x\", \"clusters\": [{\"name\": \"dev-*\", "
        "\"namespaces\": [\"*\"], \"verbs\": [\"get\"], \"resources\": [\"pods\"]}]}', FALSE, "
        "FALSE "
        "FROM n;"
        "INSERT INTO user_roles " +
        series +
        "'u' || i, 'r' || i FROM n;"
        "INSERT INTO clusters " +
        series + "'c' || i, 'cluster-' || i, 'h', 0, 0, 'pending', " + now + ", '{}', " + now +
        " FROM n;"
        "INSERT INTO sessions " +
        series + "'s' || i, 'u' || i, " + now + ", " + later +
        ", NULL, 'h' || i, 'ip', 'ua' FROM n;");
  }));
  SqlStore store(*std::move(database));
  const auto start = std::chrono::steady_clock::now();
  const auto state = store.LoadAll(kNow);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(state) << state.error().detail;
  EXPECT_EQ(state->users.size(), std::size_t{kCount});
  EXPECT_EQ(state->roles.size(), std::size_t{kCount});
  EXPECT_EQ(state->clusters.size(), std::size_t{kCount});
  EXPECT_EQ(state->sessions.size(), std::size_t{kCount});
  EXPECT_EQ(state->users[0].roles.size(), 1u);
  RecordProperty("load_ms", std::to_string(took / 1ms));
  EXPECT_LT(took, 5s) << "1 s without sanitizers";
}

TEST(PostgresTest, ServiceResumesAfterARestart) {
  const std::string url = Postgres().NewDatabase();
  auto store = OpenStore("postgres", Secret(url), 4);
  ASSERT_TRUE(store);
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<std::int64_t> slowest_ms = 0;
  std::vector<std::thread> load;
  for (int i = 0; i < 4; ++i) {
    load.emplace_back([&] {
      while (!stop) {
        const auto start = std::chrono::steady_clock::now();
        const AuditEvent event{.id = NewRequestId(kNow), .time = kNow};
        const auto written = (*store)->WriteAudit({&event, 1});
        if (!written) {
          EXPECT_EQ(written.error().code, ErrorCode::kUnavailable) << written.error().detail;
          ++failed;
        }
        const std::int64_t took_ms = (std::chrono::steady_clock::now() - start) / 1ms;
        if (took_ms > slowest_ms) slowest_ms = took_ms;
      }
    });
  }
  std::this_thread::sleep_for(300ms);
  Postgres().Stop();
  std::this_thread::sleep_for(500ms);
  Postgres().Start();
  std::this_thread::sleep_for(300ms);
  const int failed_before = failed;
  std::this_thread::sleep_for(300ms);
  stop = true;
  for (auto& thread : load) thread.join();
  EXPECT_GT(failed, 0) << "the restart was not noticed";
  EXPECT_EQ(failed, failed_before) << "failures after it was back";
  EXPECT_LT(slowest_ms, 10'000);
  EXPECT_TRUE((*store)->ChangeNumber());
}

}  // namespace
}  // namespace mk8s::store
