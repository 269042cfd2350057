// Roles as administrators write them: what is taken, what is refused and how the refusal reads.
#include "auth/role_parse.h"

#include "base/limits.h"

namespace mk8s::auth {
namespace {

using Names = std::vector<std::string>;

// The roles file of the documentation, with every optional key.
constexpr std::string_view kExample = R"(roles:
  - name: developer
    admin: false              # true: may administer mk8s itself (users, roles, clusters, audit)
    clusters:
      - name: "dev-*"         # glob
        namespaces: ["*"]     # "*" includes cluster-scoped objects
        verbs: ["get", "list", "logs", "exec"]
        resources: ["pods", "services", "deployments"]
        names: ["web-*"]                 # additions, all optional: object names (globs),
        except_resources: ["secrets"]    # what the wildcards do not reach
        except_namespaces: ["kube-system"]
users:
  - {email: "dev@example.com", roles: ["developer"]}
)";

const Role kDeveloper{.name = "developer",
                      .grants = {{.cluster = "dev-*",
                                  .namespaces = {"*"},
                                  .verbs = {"get", "list", "logs", "exec"},
                                  .resources = {"pods", "services", "deployments"},
                                  .names = {"web-*"},
                                  .except_resources = {"secrets"},
                                  .except_namespaces = {"kube-system"}}}};

TEST(RolesFile, TakesTheDocumentedExample) {
  const Result<RolesFile> file = ParseRolesFile(kExample);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->roles, std::vector<Role>{kDeveloper});
  ASSERT_EQ(file->users.size(), 1u);
  EXPECT_EQ(file->users[0].email, "dev@example.com");
  EXPECT_EQ(file->users[0].roles, Names{"developer"});
}

TEST(RolesFile, TakesWhatItShould) {
  const struct {
    std::string_view yaml;
    std::size_t roles, users;
  } rows[] = {
      {"", 0, 0},
      {"# nothing\n", 0, 0},
      {"---\n---\n", 0, 0},
      {"roles: []\nusers: []\n", 0, 0},
      {"roles:\nusers:\n", 0, 0},
      {"roles: [{name: a}]", 1, 0},
      {"roles: [{name: a, admin: true, clusters: }]", 1, 0},
      {"roles: [{name: a}]\n---\nroles: [{name: b}, {name: c}]\nusers: [{email: A@b, roles: []}]\n",
       3, 1},
      {R"({"roles": [{"name": "a", "admin": true, "clusters": []}]})", 1, 0},
      {"roles: [{name: a, clusters: [{name: '*', namespaces: [\"1\", 2], verbs: ['*'], "
       "resources: ['*'], names: , except_resources: []}]}]",
       1, 0},
      {"users: [{email: Dev@Example.com, roles: [a, b.c_d-1]}]", 0, 1},
      {"roles: [{name: &anchor a}]", 1, 0},  // an anchor without an alias does no harm
  };
  for (const auto& row : rows) {
    const Result<RolesFile> file = ParseRolesFile(row.yaml);
    ASSERT_TRUE(file) << row.yaml << ": " << file.error().message;
    EXPECT_EQ(file->roles.size(), row.roles) << row.yaml;
    EXPECT_EQ(file->users.size(), row.users) << row.yaml;
  }
  EXPECT_EQ(ParseRolesFile("users: [{email: Dev@Example.com, roles: [a]}]")->users[0].email,
            "dev@example.com");
}

// A role with one grant, of which `lines` replaces or adds the last keys; they begin at line 7.
std::string WithGrant(std::string_view lines) {
  return "roles:\n  - name: r\n    clusters:\n      - name: \"*\"\n        namespaces: [web]\n"
         "        # the key under test\n" +
         std::string(lines);
}

TEST(RolesFile, RefusalsNameThePlaceAndWhatWasMeant) {
  constexpr std::string_view kVerbs = "        verbs: [get]\n";
  constexpr std::string_view kResources = "        resources: [pods]\n";
  const auto with = [&](std::string_view key) {
    return WithGrant(std::string(key) + std::string(kVerbs) + std::string(kResources));
  };
  const struct {
    std::string yaml;
    std::string_view message;
  } rows[] = {
      {WithGrant("        verbs: [get, lst]\n" + std::string(kResources)),
       "line 7: roles[0].clusters[0].verbs[1]: unknown verb \"lst\"; did you mean \"list\"?"},
      {WithGrant("        verbs:\n          - get\n          - Delete\n" + std::string(kResources)),
       "line 9: roles[0].clusters[0].verbs[1]: unknown verb \"Delete\"; did you mean \"delete\"?"},
      {WithGrant("        verbs: [frobnicate]\n" + std::string(kResources)),
       "line 7: roles[0].clusters[0].verbs[0]: unknown verb \"frobnicate\""},
      {WithGrant(std::string(kVerbs) + "        resources: [pods, po]\n"),
       "line 8: roles[0].clusters[0].resources[1]: Kubernetes has no resource \"po\" of its own; "
       "did you mean \"pods\"?"},
      {WithGrant(std::string(kVerbs) + "        resources: [deploymnet]\n"),
       "line 8: roles[0].clusters[0].resources[0]: Kubernetes has no resource \"deploymnet\" of "
       "its own; did you mean \"deployments\"?"},
      {WithGrant(std::string(kVerbs) + "        resources: [certificates]\n"),
       "line 8: roles[0].clusters[0].resources[0]: Kubernetes has no resource \"certificates\" of "
       "its own; name a custom one with its group: \"certificates.example.com\""},
      {WithGrant(std::string(kVerbs) + "        resources: [pods/]\n"),
       "line 8: roles[0].clusters[0].resources[0]: resource \"pods/\" has an empty part"},
      {WithGrant(std::string(kVerbs) + "        resources: [a/b/c/d]\n"),
       "line 8: roles[0].clusters[0].resources[0]: resource \"a/b/c/d\" has more than three parts"},
      {WithGrant(std::string(kVerbs) + "        resources: []\n"),
       "line 8: roles[0].clusters[0].resources: is empty, so it grants nothing"},
      {WithGrant(std::string(kVerbs) + "        resources: pods\n"),
       "line 8: roles[0].clusters[0].resources: must be a list, as in [\"*\"]"},
      {WithGrant(std::string(kVerbs)),
       "line 4: roles[0].clusters[0]: key \"resources\" is missing"},
      {with("        verb: [get]\n"),
       "line 7: roles[0].clusters[0]: unknown key \"verb\"; did you mean \"verbs\"?"},
      {with("        exceptresources: [secrets]\n"),
       "line 7: roles[0].clusters[0]: unknown key \"exceptresources\"; did you mean "
       "\"except_resources\"?"},
      {with("        except_resources: [secret]\n"),
       "line 7: roles[0].clusters[0].except_resources[0]: Kubernetes has no resource \"secret\" of "
       "its own; did you mean \"secrets\"?"},
      {with("        names: [\"\"]\n"), "line 7: roles[0].clusters[0].names[0]: must not be empty"},
      {with("        names: [[a]]\n"), "line 7: roles[0].clusters[0].names[0]: must be a string"},
      {with("        names: [\"a\\e[31m\"]\n"),
       "line 7: roles[0].clusters[0].names[0]: must be printable and at most 253 bytes"},
      {with("        namespaces: [x]\n"), "line 7: key \"namespaces\" occurs twice"},
      {"roles: [{name: a}, {name: b}]\n---\nroles:\n  - {name: a}\n",
       "line 4: role \"a\" is defined twice"},
      {"roles: [{name: a}, {name: a}]", "line 1: role \"a\" is defined twice"},
      {"roles: [{name: A}]",
       "line 1: roles[0].name: a role's name has up to 64 of a-z 0-9 - _ . and begins with none of "
       "- ."},
      {"roles: [{}]", "line 1: roles[0]: key \"name\" is missing"},
      {"roles: [a]", "line 1: roles[0]: must be a mapping of keys to values"},
      {"roles: {name: a}", "line 1: roles: must be a list"},
      {"roles: [{name: a, admin: yes}]", "line 1: roles[0].admin: must be true or false"},
      {"roles: [{name: a, admin: \"true\"}]", "line 1: roles[0].admin: must be true or false"},
      {"roles: [{name: a, clusters: {name: b}}]", "line 1: roles[0].clusters: must be a list"},
      {"role: []", "line 1: unknown key \"role\"; did you mean \"roles\"?"},
      {"[]", "line 1: must be a mapping of keys to values"},
      {"users: [{email: nobody, roles: []}]", "line 1: users[0].email: must be an e-mail address"},
      {"users: [{email: a@b}]", "line 1: users[0]: key \"roles\" is missing"},
      {"users: [{email: a@b, roles: [Dev]}]",
       "line 1: users[0].roles[0]: a role's name has up to 64 of a-z 0-9 - _ . and begins with "
       "none of - ."},
      {"roles: [{name: &a x}, {name: *a}]",
       "line 1: aliases (*name) are not supported; write the value again"},
      {"roles: [{? [a] : b}]", "line 1: a key must be a word"},
      {"\xff", "the file is not UTF-8"},
      {",ur\n", "line 1: not YAML: a document cannot begin like this"},
  };
  for (const auto& row : rows) {
    const Result<RolesFile> file = ParseRolesFile(row.yaml);
    ASSERT_FALSE(file) << row.yaml;
    EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument) << row.yaml;
    EXPECT_EQ(file.error().message, row.message) << row.yaml;
  }
  const Result<RolesFile> broken = ParseRolesFile("roles:\n  - [\n");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, testing::StartsWith("line 3: not YAML: "));
}

TEST(RolesFile, BoundsDepthAndSize) {
  constexpr std::size_t kDeep = 100'000;
  std::string block;
  for (std::size_t i = 0; i < kDeep / 2; ++i) block += "- ";
  std::string flow_map;
  for (std::size_t i = 0; i < kDeep; ++i) flow_map += "{a: ";
  std::string lines;
  for (std::size_t i = 0; i < 1'000; ++i) lines += std::string(i, ' ') + "a:\n";
  for (const std::string& deep :
       {"roles: " + std::string(kDeep, '['), block, flow_map, std::string(kDeep, '['), lines}) {
    const Result<RolesFile> file = ParseRolesFile(deep);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(file.error().message, testing::HasSubstr("nested deeper than 64 levels"));
  }
  EXPECT_FALSE(ParseRoleJson(std::string(kDeep, '[')));
  EXPECT_FALSE(ParseRoleJson(std::string(kDeep, '[') + std::string(kDeep, ']')));
  const std::string padding(limits::kConfigFileBytesMax - 10, '#');
  EXPECT_TRUE(ParseRolesFile("roles: []\n" + padding));
  EXPECT_EQ(ParseRolesFile("roles: []\n#" + padding).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(ParseRoleJson(std::string(limits::kConfigFileBytesMax + 1, ' ')).error().code,
            ErrorCode::kTooLarge);
}

TEST(RolesFile, BoundsListsAndNames) {
  const auto grant = [](std::size_t names, std::size_t bytes) {
    Grant out{.cluster = "*", .namespaces = {"*"}, .verbs = {"get"}, .resources = {"pods"}};
    out.names.assign(names, std::string(bytes, 'a'));
    return out;
  };
  const auto fault = [](const Role& role) {
    const Result<void> valid = ValidateRole(role);
    return valid ? "" : valid.error().message;
  };
  EXPECT_EQ(fault({.name = "r", .grants = {grant(500, 253)}}), "");
  EXPECT_EQ(fault({.name = "r", .grants = {grant(501, 1)}}),
            "clusters[0].names: has more than 500 items");
  EXPECT_EQ(fault({.name = "r", .grants = {grant(1, 254)}}),
            "clusters[0].names[0]: must be printable and at most 253 bytes");
  EXPECT_EQ(fault({.name = "r", .grants = std::vector<Grant>(500, grant(0, 0))}), "");
  EXPECT_EQ(fault({.name = "r", .grants = std::vector<Grant>(501, grant(0, 0))}),
            "clusters: has more than 500 entries");
  EXPECT_EQ(fault({.name = std::string(64, 'r')}), "");
  for (const std::string& name : {std::string(65, 'r'), std::string("-r"), std::string(".r"),
                                  std::string("r r"), std::string("r/r"), std::string("R")}) {
    EXPECT_NE(fault({.name = name}), "") << name;
  }
}

TEST(RoleJson, RoundTrips) {
  for (const Role& role : {kDeveloper, BuiltInRoles()[0], BuiltInRoles()[1], BuiltInRoles()[2],
                           Role{.name = "empty"}, Role{.name = "a", .admin = true}}) {
    Role expected = role;
    expected.built_in = false;  // not written
    const Result<Role> json = ParseRoleJson(RoleToJson(role));
    ASSERT_TRUE(json) << json.error().message;
    EXPECT_EQ(*json, expected);
    const Result<RolesFile> yaml = ParseRolesFile(RolesToYaml({role}));
    ASSERT_TRUE(yaml) << RolesToYaml({role}) << yaml.error().message;
    EXPECT_EQ(yaml->roles, std::vector<Role>{expected});
  }
  EXPECT_EQ(RoleToJson(Role{.name = "a"}), R"({"name":"a","admin":false,"clusters":[]})");
  EXPECT_EQ(ParseRolesFile(RolesToYaml(BuiltInRoles()))->roles.size(), 3u);
}

TEST(RoleJson, WritesEveryNameSoThatItIsReadBack) {
  for (const char* name : {"true", "null", "1", "0x1f", "~", "1e3", "a.b", "no"}) {
    if (!ValidateRole({.name = name})) continue;
    const Result<RolesFile> file = ParseRolesFile(RolesToYaml({Role{.name = name}}));
    ASSERT_TRUE(file) << RolesToYaml({Role{.name = name}}) << file.error().message;
    EXPECT_EQ(file->roles[0].name, name);
  }
}

TEST(RoleJson, Refusals) {
  constexpr std::string_view kTable[][2] = {
      {"", "not JSON: "},
      {"{", "not JSON: "},
      {"{} x", "not JSON: "},
      {"[]", "must be a mapping of keys to values"},
      {"null", "must be a mapping of keys to values"},
      {"{}", "key \"name\" is missing"},
      {R"({"name": "a", "built_in": true})", "unknown key \"built_in\""},
      {R"({"name": 1})", "numbers have no meaning in a role; write a string"},
      {R"({"name": "a", "admin": "true"})", "admin: must be true or false"},
      {R"({"name": "a", "admin": null})", "admin: must be true or false"},
      {R"({"name": "a", "clusters": [{"name": "*", "namespaces": ["*"], "verbs": ["lst"],)"
       R"( "resources": ["*"]}]})",
       "clusters[0].verbs[0]: unknown verb \"lst\"; did you mean \"list\"?"},
      {R"({"name": "a", "clusters": [{"name": "*", "namespaces": ["*"], "verbs": ["get"],)"
       R"( "resources": ["*"], "names": ["\u0000"]}]})",
       "clusters[0].names[0]: must be printable and at most 253 bytes"},
  };
  for (const auto& [json, message] : kTable) {
    const Result<Role> role = ParseRoleJson(json);
    ASSERT_FALSE(role) << json;
    EXPECT_EQ(role.error().code, ErrorCode::kInvalidArgument) << json;
    EXPECT_THAT(role.error().message, testing::StartsWith(std::string(message))) << json;
  }
}

}  // namespace
}  // namespace mk8s::auth
