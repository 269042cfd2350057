// What central encodes the agent decodes to the same, and nothing that a client says takes its
// place.
#include "gateway/tunnel_message.h"

#include "base/limits.h"

namespace mk8s::gateway {
namespace {

TunnelRequest Example(std::string method, std::string protocol = {}) {
  TunnelRequest request;
  request.head = {.method = std::move(method),
                  .authority = "central",
                  .target = "/api/v1/pods?limit=5",
                  .protocol = std::move(protocol),
                  .fields = {{"accept", "*/*"}}};
  request.user = "dev@example.com";
  request.groups = {"mk8s:users", "mk8s:role:developer"};
  request.request_id = "r-1";
  return request;
}

void ExpectSame(const TunnelRequest& a, const TunnelRequest& b) {
  EXPECT_EQ(a.head.method, b.head.method);
  EXPECT_EQ(a.head.target, b.head.target);
  EXPECT_EQ(a.head.protocol, b.head.protocol);
  EXPECT_EQ(a.head.fields, b.head.fields);
  EXPECT_EQ(a.user, b.user);
  EXPECT_EQ(a.groups, b.groups);
  EXPECT_EQ(a.uid, b.uid);
  EXPECT_EQ(a.extra, b.extra);
  EXPECT_EQ(a.request_id, b.request_id);
}

TEST(TunnelMessage, CrossesUnchanged) {
  for (const auto& request : {Example("GET"), Example("DELETE"), Example("GET", "websocket"),
                              Example("POST", "SPDY/3.1")}) {
    const http::RequestHead wire = EncodeForTunnel(request);
    EXPECT_EQ(wire.method, request.head.protocol.empty() ? request.head.method : "CONNECT");
    EXPECT_EQ(wire.protocol, request.head.protocol);
    const auto decoded = DecodeFromTunnel(wire);
    ASSERT_TRUE(decoded) << decoded.error().message;
    ExpectSame(*decoded, request);
  }
}

TEST(TunnelMessage, AnImpersonatedIdentityCrossesWhole) {
  TunnelRequest request = Example("GET");
  request.user = "system:serviceaccount:web:robot";
  request.groups = {"Bücher, alle", "system:masters"};
  request.uid = "1-2=3";
  request.extra = {{"scopes", "view"}, {"scopes", ""}, {"example.org%2fteam", "a=b, c"}};
  const auto decoded = DecodeFromTunnel(EncodeForTunnel(request));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ExpectSame(*decoded, request);
  const http::Fields expected = {{"accept", "*/*"},
                                 {"impersonate-user", "system:serviceaccount:web:robot"},
                                 {"impersonate-group", "Bücher, alle"},
                                 {"impersonate-group", "system:masters"},
                                 {"impersonate-uid", "1-2=3"},
                                 {"impersonate-extra-scopes", "view"},
                                 {"impersonate-extra-scopes", ""},
                                 {"impersonate-extra-example.org%2fteam", "a=b, c"},
                                 {"audit-id", "r-1"}};
  EXPECT_EQ(RequestForCluster(*decoded, {.authority = "a"}).fields, expected);
}

TEST(TunnelMessage, TakesNoIdentityFromTheClient) {
  TunnelRequest request = Example("GET");
  request.head.fields = {{"mk8s-user", "root"},
                         {"mk8s-group", "system:masters"},
                         {"mk8s-request-id", "evil"},
                         {"impersonate-user", "root"},
                         {"mk8s-uid", "0"},
                         {"mk8s-extra", "scopes=all"},
                         {"authorization", "Bearer x"},
                         {"mk8s-method", "POST"}};
  const auto decoded = DecodeFromTunnel(EncodeForTunnel(request));
  ASSERT_TRUE(decoded);
  request.head.fields = {};
  ExpectSame(*decoded, request);
}

TEST(TunnelMessage, RefusesWhatCentralNeverSends) {
  const http::RequestHead good = EncodeForTunnel(Example("GET"));
  const http::RequestHead upgrade = EncodeForTunnel(Example("GET", "websocket"));
  struct Row {
    std::string name;
    http::RequestHead head;
  };
  std::vector<Row> table;
  const auto add = [&](std::string name, http::RequestHead head, auto change) {
    change(head);
    table.push_back({std::move(name), std::move(head)});
  };
  add("no user", good, [](auto& head) { head.fields.Remove(kUserField); });
  add("empty user", good, [](auto& head) { head.fields.Set(kUserField, ""); });
  add("two users", good, [](auto& head) { head.fields.Add(kUserField, "root"); });
  add("no request id", good, [](auto& head) { head.fields.Remove(kRequestIdField); });
  add("two request ids", good, [](auto& head) { head.fields.Add(kRequestIdField, "x"); });
  add("line end in the user", good, [](auto& head) { head.fields.Set(kUserField, "a\r\nX: b"); });
  add("line end in a group", good, [](auto& head) { head.fields.Add(kGroupField, "a\nb"); });
  add("two uids", good, [](auto& head) {
    head.fields.Add(kUidField, "1");
    head.fields.Add(kUidField, "2");
  });
  add("empty uid", good, [](auto& head) { head.fields.Add(kUidField, ""); });
  add("line end in the uid", good, [](auto& head) { head.fields.Add(kUidField, "1\n2"); });
  for (const char* extra :
       {"", "scopes", "=view", "Scopes=view", "a b=c", "a:b=c", "a\r\nb=c", "a=\n"}) {
    add(std::string("extra ") + extra, good,
        [&](auto& head) { head.fields.Add(kExtraField, extra); });
  }
  add("a crowd of groups", good, [](auto& head) {
    for (std::size_t i = 0; i < limits::kImpersonatedValuesMax; ++i) {
      head.fields.Add(kGroupField, "g");
    }
  });
  add("plain CONNECT", good, [](auto& head) { head.method = "CONNECT"; });
  add("protocol without CONNECT", good, [](auto& head) { head.protocol = "websocket"; });
  add("method field without CONNECT", good,
      [](auto& head) { head.fields.Add(kMethodField, "GET"); });
  add("invented method", good, [](auto& head) { head.method = "BREW"; });
  add("asterisk target", good, [](auto& head) { head.target = "*"; });
  add("upgrade without a method", upgrade, [](auto& head) { head.fields.Remove(kMethodField); });
  add("upgrade by DELETE", upgrade, [](auto& head) { head.fields.Set(kMethodField, "DELETE"); });
  add("upgrade to a line end", upgrade, [](auto& head) { head.protocol = "a\r\nb"; });
  for (const Row& row : table) {
    const auto decoded = DecodeFromTunnel(row.head);
    ASSERT_FALSE(decoded) << row.name;
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument) << row.name;
  }
}

TEST(TunnelMessage, TellsAnAcceptedUpgradeFromAnIgnoredOne) {
  const http::ResponseHead switched{
      .status = 101, .protocol = "SPDY/3.1", .fields = {{"x-stream-protocol-version", "v4"}}};
  const http::ResponseHead wire = EncodeForTunnel(switched);
  EXPECT_EQ(wire.status, 200);
  const http::ResponseHead decoded = DecodeFromTunnel(wire, true);
  EXPECT_EQ(decoded.status, 101);
  EXPECT_EQ(decoded.protocol, "SPDY/3.1");
  EXPECT_EQ(decoded.fields, switched.fields);
  EXPECT_EQ(DecodeFromTunnel(wire, false).status, 200) << "not asked for";

  // The cluster cannot fake the mark.
  const http::ResponseHead ignored{.status = 200, .fields = {{"mk8s-protocol", "websocket"}}};
  EXPECT_EQ(DecodeFromTunnel(EncodeForTunnel(ignored), true).status, 200);
  EXPECT_EQ(DecodeFromTunnel(EncodeForTunnel({.status = 403}), true).status, 403);
}

// CVE-2021-31999: whatever comes, kube-apiserver sees one identity, ours to give.
TEST(RequestForCluster, AddsTheIdentityLast) {
  TunnelRequest request = Example("GET", "websocket");
  request.head.fields = {{"accept", "*/*"},
                         {"impersonate-user", "root"},
                         {"impersonate-group", "system:masters"},
                         {"audit-id", "evil"},
                         {"authorization", "Bearer evil"},
                         {"x-remote-user", "root"},
                         {"origin", "https://evil.test"},
                         {"connection", "impersonate-user"}};
  const http::RequestHead sent =
      RequestForCluster(request, {.bearer = Secret("token"), .authority = "10.0.0.1:6443"});
  EXPECT_EQ(sent.authority, "10.0.0.1:6443");
  EXPECT_EQ(sent.method, "GET");
  EXPECT_EQ(sent.protocol, "websocket");
  const http::Fields expected = {{"accept", "*/*"},
                                 {"origin", "https://10.0.0.1:6443"},
                                 {"impersonate-user", "dev@example.com"},
                                 {"impersonate-group", "mk8s:users"},
                                 {"impersonate-group", "mk8s:role:developer"},
                                 {"audit-id", "r-1"},
                                 {"authorization", "Bearer token"}};
  EXPECT_EQ(sent.fields, expected);
  EXPECT_FALSE(RequestForCluster(request, {.authority = "a"}).fields.Find("authorization"))
      << "a client certificate is the credential";
}

}  // namespace
}  // namespace mk8s::gateway
