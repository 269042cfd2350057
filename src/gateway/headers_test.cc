// Tables of the fields that pass, that are dropped and that are refused, both ways.
#include "gateway/headers.h"

#include "base/encoding.h"

namespace mk8s::gateway {
namespace {

TEST(RequestFieldsForCluster, PassesWhatKubernetesClientsNeedAndNothingElse) {
  const http::Fields passed = {
      {"accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"},
      {"accept-encoding", "gzip"},
      {"content-type", "application/apply-patch+yaml"},
      {"content-length", "5"},
      {"user-agent", "kubectl/v1.33.0"},
      {"if-none-match", "\"x\""},
      {"kubectl-command", "kubectl get"},
      {"kubectl-session", "1"},
      {"x-stream-protocol-version", "v4.channel.k8s.io"},
      {"x-stream-protocol-version", "v3.channel.k8s.io"},
      {"sec-websocket-key", "x"},
      {"sec-websocket-version", "13"},
      {"sec-websocket-protocol", "v5.channel.k8s.io"},
      {"traceparent", "00-x"},
  };
  EXPECT_EQ(RequestFieldsForCluster(passed), passed);

  for (const std::string_view name : {"authorization",
                                      "cookie",
                                      "proxy-authorization",
                                      "x-remote-user",
                                      "x-remote-group",
                                      "x-remote-extra-a",
                                      "x-forwarded-for",
                                      "x-forwarded-host",
                                      "x-real-ip",
                                      "forwarded",
                                      "te",
                                      "trailer",
                                      "keep-alive",
                                      "connection",
                                      "upgrade",
                                      "impersonate-user",
                                      "impersonate-group",
                                      "impersonate-uid",
                                      "impersonate-extra-scopes",
                                      "audit-id",
                                      "mk8s-user",
                                      "mk8s-group",
                                      "mk8s-request-id",
                                      "origin",
                                      "expect",
                                      "host",
                                      "x-http-method-override"}) {
    EXPECT_TRUE(RequestFieldsForCluster({{std::string(name), "x"}}).empty()) << name;
  }
}

TEST(RequestFieldsForCluster, PassesTheOriginOfAWebSocketAlone) {
  const http::Fields handshake = {{"origin", "https://mk8s.example"}, {"sec-websocket-key", "x"}};
  EXPECT_EQ(RequestFieldsForCluster(handshake), handshake);
}

TEST(RequestFieldsForCluster, TakesTokensOutOfSubProtocols) {
  const std::string token = "base64url.bearer.authorization.k8s.io.dG9rZW4";
  const std::pair<std::string, std::string> table[] = {
      {"v5.channel.k8s.io, " + token, "v5.channel.k8s.io"},
      {token + ",v4.channel.k8s.io , v5.channel.k8s.io", "v4.channel.k8s.io, v5.channel.k8s.io"},
      {"BASE64URL.bearer.authorization.k8s.io.dG9rZW4,a", "a"},
      {token, ""},
      {"", ""},
  };
  for (const auto& [in, out] : table) {
    const http::Fields fields = RequestFieldsForCluster({{"sec-websocket-protocol", in}});
    EXPECT_EQ(fields.Get("sec-websocket-protocol"), out) << in;
    EXPECT_EQ(fields.empty(), out.empty()) << in;
  }
}

TEST(WebSocketBearer, ReadsTheOneToken) {
  const std::string prefix = "base64url.bearer.authorization.k8s.io.";
  const std::string good = prefix + Base64UrlEncode("a.b.c");
  const auto token = [](std::string value) {
    const auto found = WebSocketBearer({{"sec-websocket-protocol", std::move(value)}});
    return found ? found->Reveal() : "none";
  };
  EXPECT_EQ(token("v5.channel.k8s.io, " + good), "a.b.c");
  EXPECT_EQ(token("v5.channel.k8s.io"), "none");
  EXPECT_EQ(token(good + "," + good), "none") << "which of the two?";
  EXPECT_EQ(token(prefix + "!!"), "none");
  EXPECT_EQ(token(prefix), "none");
  EXPECT_FALSE(WebSocketBearer({}));
}

TEST(ResponseFieldsForClient, DropsWhatSpeaksForTheGateway) {
  const http::Fields passed = {{"content-type", "a/b"}, {"warning", "299 - x"},
                               {"warning", "299 - y"},  {"retry-after", "1"},
                               {"etag", "\"x\""},       {"audit-id", "x"},
                               {"vary", "Accept"},      {"date", "x"},
                               {"cache-control", "x"},  {"sec-websocket-accept", "x"}};
  EXPECT_EQ(ResponseFieldsForClient(passed), passed);
  for (const std::string_view name :
       {"connection", "keep-alive", "transfer-encoding", "upgrade", "set-cookie", "alt-svc",
        "strict-transport-security", "access-control-allow-origin", "www-authenticate",
        "clear-site-data", "proxy-authenticate", "mk8s-user", "x-request-id", "refresh"}) {
    EXPECT_TRUE(ResponseFieldsForClient({{std::string(name), "x"}}).empty()) << name;
  }
}

TEST(RewriteLocation, KeepsTheClientOnTheGateway) {
  struct Row {
    std::string_view location, authority, prefix, expected;  // "": refused
  };
  const Row table[] = {
      {"/api/v1/pods/p/proxy/", "", "/clusters/c/k8s", "/clusters/c/k8s/api/v1/pods/p/proxy/"},
      {"/a?b=//c", "", "/p", "/p/a?b=//c"},
      {"https://10.0.0.1:6443/api/?x", "10.0.0.1:6443", "", "/api/?x"},
      {"HTTPS://API.local/api", "api.LOCAL", "/p", "/p/api"},
      {"https://api", "api", "/p", "/p/"},
      {"https://api?x", "api", "/p", "/p/?x"},
      {"proxy/", "", "/p", "proxy/"},
      {"?x=1", "", "/p", "?x=1"},
      {"a/b:c", "", "/p", "a/b:c"},
      {"https://evil/api", "api", "/p", ""},
      {"https://api/", "", "/p", ""},
      {"https://api@evil/", "api", "/p", ""},
      {"https://api:6443/", "api", "/p", ""},
      {"https://api//evil/", "api", "", ""},
      {"//evil/api", "", "", ""},
      {"/\\evil", "", "", ""},
      {"\\\\evil", "", "", ""},
      {"/\tevil", "", "", ""},
      {"javascript:alert(1)", "", "/p", ""},
      {"ftp://api/", "api", "/p", ""},
      {" /api", "", "/p", ""},
  };
  for (const Row& row : table) {
    const auto result = RewriteLocation(row.location, row.authority, row.prefix);
    EXPECT_EQ(result ? *result : "", row.expected) << row.location;
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::kBadGateway);
    }
  }
}

TEST(ResponseForClient, RefusesWhatMustNotBeRelayed) {
  struct Row {
    std::string name;
    http::ResponseHead head;
    ResponseRules rules;
    int status;  // 0: refused
  };
  const ResponseRules plain{.location_prefix = "/p"};
  const ResponseRules upgrade{.upgrade = true};
  const http::Fields off_host = {{"location", "https://evil/"}};
  const Row table[] = {
      {"ok", {.status = 200}, plain, 200},
      {"redirect to itself", {.status = 301, .fields = {{"location", "/x/"}}}, plain, 301},
      {"redirect off-host", {.status = 302, .fields = off_host}, plain, 0},
      {"307 off-host", {.status = 307, .fields = off_host}, plain, 0},
      {"created", {.status = 201, .fields = off_host}, plain, 201},
      {"redirect on an upgrade", {.status = 302, .fields = {{"location", "/x"}}}, upgrade, 0},
      {"not modified", {.status = 304}, upgrade, 304},
      {"101 asked for", {.status = 101, .protocol = "websocket"}, upgrade, 101},
      {"101 unasked", {.status = 101, .protocol = "websocket"}, plain, 0},
      {"403 on an upgrade", {.status = 403}, upgrade, 403},
      {"401 of the API server", {.status = 401}, plain, 0},
      {"401 of an application", {.status = 401}, {.proxied = true}, 401},
  };
  for (const Row& row : table) {
    const auto result = ResponseForClient(row.head, row.rules);
    EXPECT_EQ(result ? result->status : 0, row.status) << row.name;
    if (result) {
      EXPECT_TRUE(result->fields.Get("location").empty() ||
                  result->fields.Get("location") == "/p/x/")
          << row.name;
    }
  }
}

}  // namespace
}  // namespace mk8s::gateway
