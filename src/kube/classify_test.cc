// Kinds of requests and the decisions they need.
#include "kube/classify.h"

#include "kube/attributes.h"

namespace mk8s::kube {
namespace {

struct Read {
  Attributes attributes;
  Classification kind;
};

Read ReadRequest(std::string_view method, std::string_view raw, std::string_view protocol = "",
                 std::string_view content_type = "") {
  const Target target = Target::Parse(raw).value();
  http::RequestHead head;
  head.method = method;
  head.target = raw;
  head.protocol = protocol;
  if (!content_type.empty()) head.fields.Add("Content-Type", content_type);
  Read read;
  read.attributes = RequestAttributes(method, target).value();
  read.kind = Classify(read.attributes, target, head);
  return read;
}

std::string Verbs(const Read& read) {
  std::string out;
  for (const Attributes& one : DecisionsFor(read.attributes, read.kind)) {
    out += (out.empty() ? "" : "+") + one.verb;
  }
  return out;
}

TEST(Classify, Kinds) {
  struct Row {
    std::string_view method;
    std::string_view target;
    RequestKind kind;
  };
  constexpr Row kTable[] = {
      {"GET", "/api", RequestKind::kDiscovery},
      {"GET", "/api/v1", RequestKind::kDiscovery},
      {"GET", "/apis/", RequestKind::kDiscovery},
      {"GET", "/apis/apps", RequestKind::kDiscovery},
      {"GET", "/apis/apps/v1", RequestKind::kDiscovery},
      {"HEAD", "/version", RequestKind::kDiscovery},
      {"GET", "/openapi/v2", RequestKind::kDiscovery},
      {"GET", "/openapi/v3/apis/apps/v1", RequestKind::kDiscovery},
      {"GET", "/openapi/v33", RequestKind::kNonResource},
      {"POST", "/api", RequestKind::kNonResource},
      {"GET", "/", RequestKind::kNonResource},
      {"GET", "/apix", RequestKind::kNonResource},
      {"GET", "/metrics", RequestKind::kNonResource},
      {"GET", "/versions", RequestKind::kNonResource},
      {"GET", "/api/v1/pods", RequestKind::kResource},
      {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", RequestKind::kSelfReview},
      {"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", RequestKind::kSelfReview},
      {"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", RequestKind::kSelfReview},
      {"GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", RequestKind::kResource},
      {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", RequestKind::kResource},
      {"POST", "/apis/example.com/v1/selfsubjectaccessreviews", RequestKind::kResource},
  };
  for (const Row& row : kTable) {
    EXPECT_EQ(ReadRequest(row.method, row.target).kind.kind, row.kind) << row.target;
  }
}

TEST(Classify, WhatIsOpenToEveryone) {
  const auto path = [](std::string_view verb, std::string_view asked) {
    return Attributes{.verb = std::string(verb), .path = std::string(asked)};
  };
  EXPECT_TRUE(IsOpenToEveryone(path("get", "/version")));
  EXPECT_TRUE(IsOpenToEveryone(path("head", "/apis/apps/v1")));
  EXPECT_FALSE(IsOpenToEveryone(path("post", "/version")));
  EXPECT_FALSE(IsOpenToEveryone(path("get", "/metrics")));
  EXPECT_TRUE(IsOpenToEveryone({.is_resource = true,
                                .verb = "create",
                                .api_group = "authorization.k8s.io",
                                .resource = "selfsubjectaccessreviews"}));
  EXPECT_FALSE(IsOpenToEveryone({.is_resource = true, .verb = "create", .resource = "pods"}));
}

TEST(Classify, ConnectingWhateverTheMethod) {
  constexpr std::string_view kPod = "/api/v1/namespaces/a/pods/b/";
  for (const std::string_view method : {"GET", "POST", "PUT", "DELETE"}) {
    for (const std::string_view subresource : {"exec", "attach", "portforward", "proxy/x"}) {
      const Read read = ReadRequest(method, std::string(kPod) + std::string(subresource));
      EXPECT_TRUE(read.kind.connecting);
      EXPECT_TRUE(read.kind.AuditFirst());
      EXPECT_TRUE(read.kind.long_running);
      EXPECT_EQ(Verbs(read), "create") << method << subresource;
    }
  }
  // KubeVirt's console is an upgrade of a subresource of its own.
  const std::string_view vnc =
      "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/b/vnc";
  EXPECT_TRUE(ReadRequest("GET", vnc, "websocket").kind.connecting);
  EXPECT_EQ(Verbs(ReadRequest("GET", vnc, "websocket")), "create");
  EXPECT_EQ(Verbs(ReadRequest("GET", vnc)), "get");
}

TEST(Classify, UpgradedWatchesAndLogsStayWhatTheyAre) {
  const Read watch = ReadRequest("GET", "/api/v1/pods?watch=true", "websocket");
  EXPECT_FALSE(watch.kind.connecting);
  EXPECT_TRUE(watch.kind.long_running);
  EXPECT_EQ(Verbs(watch), "watch");
  const Read log = ReadRequest("GET", "/api/v1/namespaces/a/pods/b/log?follow=true", "websocket");
  EXPECT_FALSE(log.kind.connecting);
  EXPECT_TRUE(log.kind.long_running);
  EXPECT_EQ(Verbs(log), "get");
}

TEST(Classify, MutatingAndLongRunning) {
  struct Row {
    std::string_view method;
    std::string_view target;
    bool mutating;
    bool long_running;
  };
  constexpr Row kTable[] = {
      {"GET", "/api/v1/pods", false, false},
      {"GET", "/api/v1/pods?watch=1", false, true},
      {"GET", "/api/v1/watch/pods", false, true},
      {"GET", "/api/v1/namespaces/a/pods/b/log", false, false},
      {"GET", "/api/v1/namespaces/a/pods/b/log?follow=0", false, false},
      {"GET", "/api/v1/namespaces/a/pods/b/log?follow", false, true},
      {"POST", "/api/v1/namespaces/a/pods?dryRun=All", true, false},
      {"PATCH", "/api/v1/namespaces/a/pods/b", true, false},
      {"DELETE", "/api/v1/namespaces/a/pods", true, false},
      {"POST", "/api/v1/namespaces/a/pods/b/eviction", true, false},
      {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", false, false},
      {"GET", "/metrics", false, false},
      {"POST", "/whatever", true, false},
  };
  for (const Row& row : kTable) {
    const Read read = ReadRequest(row.method, row.target);
    EXPECT_EQ(read.kind.mutating, row.mutating) << row.target;
    EXPECT_EQ(read.kind.long_running, row.long_running) << row.target;
  }
  EXPECT_TRUE(ReadRequest("POST", "/api/v1/namespaces/a/pods?dryRun=All").kind.dry_run);
}

TEST(Classify, WhatCreatesNeedsCreateToo) {
  const std::string_view pod = "/api/v1/namespaces/a/pods/b";
  EXPECT_EQ(Verbs(ReadRequest("PATCH", pod, "", "application/apply-patch+yaml")), "patch+create");
  EXPECT_EQ(Verbs(ReadRequest("PATCH", pod, "", "Application/Apply-Patch+YAML ; charset=utf-8")),
            "patch+create");
  EXPECT_EQ(Verbs(ReadRequest("PATCH", pod, "", "application/merge-patch+json")), "patch");
  EXPECT_EQ(Verbs(ReadRequest("PUT", pod)), "update");
  EXPECT_EQ(Verbs(ReadRequest("PUT", "/api/v1/namespaces/a/services/b")), "update+create");
  EXPECT_EQ(Verbs(ReadRequest("PUT", "/api/v1/namespaces/a/services/b/status")), "update");
  EXPECT_EQ(Verbs(ReadRequest("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/b")),
            "update+create");
}

}  // namespace
}  // namespace mk8s::kube
