// What both databases must do alike: accounts, roles, clusters, secrets, the change number.
#include "store/conformance_test.h"

#include <thread>

namespace mk8s::store {
namespace {

using namespace std::chrono_literals;

TEST_P(StoreTest, UserIsFoundByIdAndByEmailInAnyCase) {
  AddRole("ops", false);
  AddRole("dev", false);
  const User user = AddUser("anna@example.com", {"ops", "dev"});
  for (const std::string& key :
       {user.id, std::string("anna@example.com"), std::string("Anna@Example.COM")}) {
    const auto found = store().FindUser(key);
    ASSERT_TRUE(found) << key;
    EXPECT_EQ(found->id, user.id);
    EXPECT_EQ(found->roles, (std::vector<std::string>{"dev", "ops"}));
    EXPECT_EQ(found->created_at, kNow);
    EXPECT_FALSE(found->last_login);
    EXPECT_FALSE(found->disabled);
  }
  EXPECT_EQ(CodeOf(store().FindUser("bob@example.com")), "not_found");
  EXPECT_NE(CodeOf(store().FindUser(std::string("anna@example.com\0x", 18))), "ok");
}

TEST_P(StoreTest, UserCreationRefusesTakenEmailsAndUnknownRoles) {
  AddUser("anna@example.com");
  const User again{.id = NewUuid(), .email = "anna@example.com", .created_at = kNow};
  EXPECT_EQ(CodeOf(store().CreateUser(again)), "already_exists");
  const User lost{
      .id = NewUuid(), .email = "lost@example.com", .roles = {"nope"}, .created_at = kNow};
  EXPECT_EQ(CodeOf(store().CreateUser(lost)), "invalid_argument");
  EXPECT_EQ(CodeOf(store().FindUser("lost@example.com")), "not_found") << "half a user was left";
}

TEST_P(StoreTest, UserChangesWhatIsGivenAndNothingElse) {
  AddRole("dev", false);
  const User user = AddUser("anna@example.com", {"dev"});
  auto changed = store().UpdateUser(user.email, {.password_change_required = true}, kNow);
  ASSERT_TRUE(changed);
  EXPECT_TRUE(changed->password_change_required);
  EXPECT_EQ(changed->password_hash, user.password_hash);
  EXPECT_EQ(changed->roles, user.roles);
  changed = store().UpdateUser(user.id, {.password_hash = "$2b$new", .roles = {{}}}, kNow);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->password_hash, "$2b$new");
  EXPECT_TRUE(changed->roles.empty());
  EXPECT_TRUE(changed->password_change_required);
  EXPECT_EQ(CodeOf(store().UpdateUser("nobody", {.disabled = true}, kNow)), "not_found");
  EXPECT_EQ(CodeOf(store().DeleteUser(user.id)), "ok");
  EXPECT_EQ(CodeOf(store().DeleteUser(user.id)), "not_found");
}

TEST_P(StoreTest, LastAdministratorStays) {
  AddRole("boss", true);
  AddRole("dev", false);
  const User only = AddUser("only@example.com", {"boss"});
  AddUser("dev@example.com", {"dev"});
  const User off = AddUser("off@example.com", {"boss"});
  ASSERT_TRUE(store().UpdateUser(off.id, {.disabled = true}, kNow));

  EXPECT_EQ(CodeOf(store().DeleteUser(only.id)), "failed_precondition");
  EXPECT_EQ(CodeOf(store().UpdateUser(only.id, {.disabled = true}, kNow)), "failed_precondition");
  EXPECT_EQ(CodeOf(store().UpdateUser(only.id, {.roles = {{"dev"}}}, kNow)), "failed_precondition");
  EXPECT_EQ(CodeOf(store().DeleteRole("boss")), "failed_precondition");
  EXPECT_EQ(CodeOf(store().PutRole({.name = "boss"}, Store::Put::kReplace)), "failed_precondition");
  EXPECT_FALSE(store().FindUser(only.id)->disabled) << "a refused change was kept";

  ASSERT_TRUE(store().UpdateUser(off.id, {.disabled = false}, kNow));
  EXPECT_EQ(CodeOf(store().DeleteUser(only.id)), "ok");
}

TEST_P(StoreTest, TwoAdministratorsCannotRemoveEachOtherAtOnce) {
  AddRole("boss", true);
  std::string survivor;
  for (int round = 0; round < 20; ++round) {
    const User a = AddUser("a" + std::to_string(round) + "@example.com", {"boss"});
    const User b = AddUser("b" + std::to_string(round) + "@example.com", {"boss"});
    ASSERT_EQ(store().DeleteUser(survivor).has_value(), round > 0);
    std::thread other([&] { (void)store().DeleteUser(a.id); });
    (void)store().DeleteUser(b.id);
    other.join();
    const auto state = store().LoadAll(kNow);
    ASSERT_EQ(state->users.size(), 1u);
    survivor = state->users[0].id;
  }
}

TEST_P(StoreTest, RolesAreKeptWhole) {
  const Role role{.name = "web",
                  .grants = {{.cluster = "prod-?",
                              .namespaces = {"web", "team-*"},
                              .verbs = {"get", "list", "exec"},
                              .resources = {"pods", "deployments"},
                              .names = {"web-*"},
                              .except_resources = {"secrets"},
                              .except_namespaces = {"kube-system"}}}};
  ASSERT_EQ(CodeOf(store().PutRole(role, Store::Put::kCreate)), "ok");
  const auto state = store().LoadAll(kNow);
  ASSERT_EQ(state->roles.size(), 1u);
  EXPECT_EQ(state->roles[0], role);
  EXPECT_EQ(CodeOf(store().PutRole(role, Store::Put::kCreate)), "already_exists");
  EXPECT_EQ(CodeOf(store().PutRole({.name = "other"}, Store::Put::kReplace)), "not_found");
  EXPECT_EQ(CodeOf(store().PutRole({.name = "web"}, Store::Put::kReplace)), "ok");
  EXPECT_TRUE(store().LoadAll(kNow)->roles[0].grants.empty());
  const User user = AddUser("anna@example.com", {"web"});
  EXPECT_EQ(CodeOf(store().DeleteRole("web")), "ok");
  EXPECT_EQ(CodeOf(store().DeleteRole("web")), "not_found");
  EXPECT_TRUE(store().FindUser(user.id)->roles.empty());
}

TEST_P(StoreTest, BuiltInRolesAreWrittenOnceAndStay) {
  const std::vector<Role> built_in = {{.name = "admin", .admin = true}, {.name = "viewer"}};
  ASSERT_TRUE(store().EnsureBuiltInRoles(built_in));
  const auto number = store().ChangeNumber();
  ASSERT_TRUE(store().EnsureBuiltInRoles(built_in));
  EXPECT_EQ(*store().ChangeNumber(), *number) << "nothing differed, yet it was written";
  EXPECT_EQ(CodeOf(store().PutRole({.name = "viewer"}, Store::Put::kReplace)),
            "failed_precondition");
  EXPECT_EQ(CodeOf(store().DeleteRole("admin")), "failed_precondition");
  EXPECT_TRUE(store().LoadAll(kNow)->roles[0].built_in);
}

TEST_P(StoreTest, ClustersTokensAndEpochs) {
  Cluster cluster{.id = NewUuid(), .name = "dev-eu", .agent_token_hash = "h1", .created_at = kNow};
  ASSERT_EQ(CodeOf(store().CreateCluster(cluster)), "ok");
  const Cluster twin{.id = NewUuid(), .name = "dev-eu", .created_at = kNow};
  EXPECT_EQ(CodeOf(store().CreateCluster(twin)), "already_exists");

  const auto rotated = store().RotateClusterToken("dev-eu", "h2");
  ASSERT_TRUE(rotated);
  EXPECT_EQ(rotated->agent_token_hash, "h2");
  EXPECT_EQ(rotated->token_generation, 1);
  EXPECT_EQ(*store().NextClusterEpoch(cluster.id), 1);
  EXPECT_EQ(*store().NextClusterEpoch("dev-eu"), 2);

  const ClusterMetadata metadata{.kubernetes_version = "v1.36.2",
                                 .node_count = 3,
                                 .agent_version = "0.1.0",
                                 .platform = "linux/amd64"};
  const ClusterSighting sightings[] = {
      {.cluster_id = cluster.id, .connected = true, .seen_at = kNow + 5s, .metadata = metadata},
      {.cluster_id = NewUuid(), .connected = true, .seen_at = kNow}};
  const auto number = store().ChangeNumber();
  ASSERT_TRUE(store().RecordSightings(sightings));
  EXPECT_EQ(*store().ChangeNumber(), *number) << "a heartbeat must not reload every replica";
  const auto state = store().LoadAll(kNow);
  ASSERT_EQ(state->clusters.size(), 1u);
  EXPECT_EQ(state->clusters[0].metadata, metadata);
  EXPECT_EQ(state->clusters[0].last_seen, kNow + 5s);
  EXPECT_EQ(state->clusters[0].epoch, 2);

  EXPECT_EQ(CodeOf(store().DeleteCluster("dev-eu")), "ok");
  EXPECT_EQ(CodeOf(store().DeleteCluster("dev-eu")), "not_found");
  EXPECT_EQ(CodeOf(store().RotateClusterToken("dev-eu", "h3")), "not_found");
  EXPECT_EQ(CodeOf(store().NextClusterEpoch("dev-eu")), "not_found");
}

TEST_P(StoreTest, FirstSecretWinsForAllWhoStartTogether) {
  EXPECT_FALSE(*store().FindSecret("ca_key"));
  const std::string binary("\0\x01\xff'\\x", 6);
  std::vector<std::string> got(4);
  std::vector<std::thread> replicas;
  for (int i = 0; i < 4; ++i) {
    replicas.emplace_back([&, i] {
      got[static_cast<std::size_t>(i)] =
          Open()->PutSecretOnce("ca_key", binary + std::to_string(i)).value_or("failed");
    });
  }
  for (auto& replica : replicas) replica.join();
  for (const std::string& winner : got) EXPECT_EQ(winner, got[0]);
  EXPECT_EQ(**store().FindSecret("ca_key"), got[0]);
  EXPECT_TRUE(got[0].starts_with(binary));
}

TEST_P(StoreTest, ChangeNumberTellsOfAnotherProcess) {
  const auto running = Open();
  const auto before = running->ChangeNumber();
  ASSERT_TRUE(before);
  AddUser("anna@example.com");  // by the command, through its own connection
  const auto after = running->ChangeNumber();
  EXPECT_GT(*after, *before);
  EXPECT_EQ(running->LoadAll(kNow)->change_number, *after);
  EXPECT_EQ(*running->ChangeNumber(), *after);
}

TEST_P(StoreTest, MigratesOnceWhenSeveralStartTogether) {
  std::vector<std::thread> starts;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    starts.emplace_back([&] {
      const auto opened = OpenStore(driver(), Secret(url_), 2);
      EXPECT_TRUE(opened) << opened.error().message << opened.error().detail;
      good += opened.has_value();
    });
  }
  for (auto& start : starts) start.join();
  EXPECT_EQ(good, 4);
  EXPECT_EQ(*store().SchemaVersion(), 1);
}

INSTANTIATE_TEST_SUITE_P(Databases, StoreTest, testing::Values("sqlite", "postgres"),
                         [](const auto& suite) { return std::string(suite.param); });

}  // namespace
}  // namespace mk8s::store
