// The attributes of requests, held to the facts of kube-apiserver's own table
// (k8s.io/apiserver 0.36, pkg/endpoints/request/requestinfo_test.go) and to those it leaves out.
#include "kube/attributes.h"

namespace mk8s::kube {
namespace {

struct Row {
  std::string_view method;
  std::string_view target;
  std::string_view verb;
  std::string_view prefix;
  std::string_view group;
  std::string_view version;
  std::string_view namespace_;
  std::string_view resource;
  std::string_view subresource;
  std::string_view name;
};

constexpr Row kResourceRows[] = {
    {"GET", "/api/v1/namespaces", "list", "api", "", "v1", "", "namespaces", "", ""},
    {"GET", "/api/v1/namespaces/other", "get", "api", "", "v1", "other", "namespaces", "", "other"},
    {"GET", "/api/v1/namespaces/other/pods", "list", "api", "", "v1", "other", "pods", "", ""},
    {"GET", "/api/v1/namespaces/other/pods/", "list", "api", "", "v1", "other", "pods", "", ""},
    {"GET", "/api/v1/namespaces/other/pods/foo", "get", "api", "", "v1", "other", "pods", "",
     "foo"},
    {"HEAD", "/api/v1/namespaces/other/pods/foo", "get", "api", "", "v1", "other", "pods", "",
     "foo"},
    {"GET", "/api/v1/pods", "list", "api", "", "v1", "", "pods", "", ""},
    {"HEAD", "/api/v1/pods", "list", "api", "", "v1", "", "pods", "", ""},
    {"PATCH", "/api/v1/namespaces/new", "patch", "api", "", "v1", "new", "namespaces", "", "new"},
    // watch/, the deprecated prefix
    {"GET", "/api/v1/watch/pods", "watch", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/watch/namespaces/other/pods", "watch", "api", "", "v1", "other", "pods", "",
     ""},
    {"GET", "/api/v1/watch/namespaces/other/pods/foo", "watch", "api", "", "v1", "other", "pods",
     "", "foo"},
    {"GET", "/apis/apps/v1/watch/deployments?watch=0", "watch", "apis", "apps", "v1", "",
     "deployments", "", ""},
    {"GET", "/apis/g/v/watch/r?fieldSelector=metadata.name=foo", "watch", "apis", "g", "v", "", "r",
     "", ""},
    {"GET", "/apis/g/v/watch/r/name?fieldSelector=metadata.name=foo", "watch", "apis", "g", "v", "",
     "r", "", "name"},
    // ?watch
    {"GET", "/api/v1/pods?watch=true", "watch", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods?watch=false", "list", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods?watch=FALSE", "list", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/namespaces/other/pods?watch=1", "watch", "api", "", "v1", "other", "pods", "",
     ""},
    {"GET", "/api/v1/namespaces/other/pods?watch=0", "list", "api", "", "v1", "other", "pods", "",
     ""},
    {"GET", "/api/v1/pods?watch=", "watch", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods?watch", "watch", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods?w%61tch=1", "watch", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods?watch=0&watch=1", "list", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods?Watch=1", "list", "api", "", "v1", "", "pods", "", ""},
    {"HEAD", "/api/v1/pods?watch=1", "watch", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/namespaces/other/pods/foo?watch=true", "get", "api", "", "v1", "other", "pods",
     "", "foo"},
    // subresources
    {"GET", "/api/v1/namespaces/other/pods/foo/status", "get", "api", "", "v1", "other", "pods",
     "status", "foo"},
    {"GET", "/api/v1/namespaces/other/pods/foo/log?follow=true", "get", "api", "", "v1", "other",
     "pods", "log", "foo"},
    {"GET", "/api/v1/namespaces/other/pods/foo/proxy/sub/path", "get", "api", "", "v1", "other",
     "pods", "proxy", "foo"},
    {"POST", "/api/v1/namespaces/other/pods/foo/exec?command=sh", "create", "api", "", "v1",
     "other", "pods", "exec", "foo"},
    {"GET", "/api/v1/namespaces/other/pods/foo/exec?command=sh", "get", "api", "", "v1", "other",
     "pods", "exec", "foo"},
    {"PUT", "/api/v1/namespaces/other/finalize", "update", "api", "", "v1", "other", "namespaces",
     "finalize", "other"},
    {"PUT", "/api/v1/namespaces/other/status", "update", "api", "", "v1", "other", "namespaces",
     "status", "other"},
    {"GET", "/apis/g/version/resource/name/subresource", "get", "apis", "g", "version", "",
     "resource", "subresource", "name"},
    {"GET", "/api/v1/nodes/n/proxy/metrics", "get", "api", "", "v1", "", "nodes", "proxy", "n"},
    // verbs
    {"PATCH", "/api/v1/namespaces/other/pods/foo", "patch", "api", "", "v1", "other", "pods", "",
     "foo"},
    {"PUT", "/api/v1/namespaces/other/pods/foo", "update", "api", "", "v1", "other", "pods", "",
     "foo"},
    {"DELETE", "/api/v1/namespaces/other/pods/foo", "delete", "api", "", "v1", "other", "pods", "",
     "foo"},
    {"POST", "/api/v1/namespaces/other/pods", "create", "api", "", "v1", "other", "pods", "", ""},
    {"DELETE", "/api/v1/nodes", "deletecollection", "api", "", "v1", "", "nodes", "", ""},
    {"DELETE", "/api/v1/namespaces", "deletecollection", "api", "", "v1", "", "namespaces", "", ""},
    {"DELETE", "/api/v1/namespaces/other/pods", "deletecollection", "api", "", "v1", "other",
     "pods", "", ""},
    {"DELETE", "/api/v1/namespaces/other/pods/", "deletecollection", "api", "", "v1", "other",
     "pods", "", ""},
    {"DELETE", "/apis/extensions/v1/namespaces/other/pods", "deletecollection", "apis",
     "extensions", "v1", "other", "pods", "", ""},
    {"DELETE", "/apis/g/v/r?fieldSelector=metadata.name=x", "deletecollection", "apis", "g", "v",
     "", "r", "", ""},
    {"POST", "/apis/extensions/v1beta3/namespaces/other/pods", "create", "apis", "extensions",
     "v1beta3", "other", "pods", "", ""},
    {"POST", "/apis/extensions/v1/namespaces/other/pods", "create", "apis", "extensions", "v1",
     "other", "pods", "", ""},
    {"GET", "/api/version/resource", "list", "api", "", "version", "", "resource", "", ""},
    {"GET", "/api/version/resource/name/subresource", "get", "api", "", "version", "", "resource",
     "subresource", "name"},
    {"GET", "/apis/batch/v1/job", "list", "apis", "batch", "v1", "", "job", "", ""},
    {"GET", "/apis/batch/v1/job/foo", "get", "apis", "batch", "v1", "", "job", "", "foo"},
    {"DELETE", "/apis/g/v/r/name", "delete", "apis", "g", "v", "", "r", "", "name"},
    {"HEAD", "/apis/g/v/r?watch=true", "watch", "apis", "g", "v", "", "r", "", ""},
    {"POST", "/api/v1/pods?watch=true", "create", "api", "", "v1", "", "pods", "", ""},
    {"DELETE", "/api/v1/pods?watch=true", "deletecollection", "api", "", "v1", "", "pods", "", ""},
    {"GET", "/apis/batch/v1/job/foo/scale", "get", "apis", "batch", "v1", "", "job", "scale",
     "foo"},
    // names that look like something else
    {"GET", "/apis/example.com/v1/namespaces/a/secrets", "list", "apis", "example.com", "v1", "a",
     "secrets", "", ""},
    {"GET", "/apis/example.com/v1/namespaces/a", "get", "apis", "example.com", "v1", "a",
     "namespaces", "", "a"},
    {"GET", "/api/v1/namespaces/watch/pods", "list", "api", "", "v1", "watch", "pods", "", ""},
    {"GET", "/api/v1/pods/watch", "get", "api", "", "v1", "", "pods", "", "watch"},
    {"GET", "/api/v1/namespaces/a/proxy", "list", "api", "", "v1", "a", "proxy", "", ""},
    // field selectors
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=name1", "list", "apis", "g", "v", "", "r", "",
     "name1"},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name%3D%3Dname1", "list", "apis", "g", "v", "", "r",
     "", "name1"},
    {"GET", "/apis/g/v/r?watch=true&fieldSelector=metadata.name=name1", "watch", "apis", "g", "v",
     "", "r", "", "name1"},
    {"GET", "/apis/g/v/r?fieldSelector=foo=bar&labelSelector=baz=qux", "list", "apis", "g", "v", "",
     "r", "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=name1,foo", "list", "apis", "g", "v", "", "r",
     "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=name1,foo&watch=true", "watch", "apis", "g",
     "v", "", "r", "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=name1,foo&watch=false", "list", "apis", "g",
     "v", "", "r", "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=foo&fieldSelector=metadata.name=bar", "list",
     "apis", "g", "v", "", "r", "", "foo"},
    {"GET", "/apis/g/v/r/name?fieldSelector=metadata.name=foo", "get", "apis", "g", "v", "", "r",
     "", "name"},
    {"DELETE", "/apis/g/v/r?fieldSelector=foo=bar&labelSelector=baz=qux", "deletecollection",
     "apis", "g", "v", "", "r", "", ""},
    {"GET", "/apis/g/v/r/name?fieldSelector=foo=bar&labelSelector=foo=bar", "get", "apis", "g", "v",
     "", "r", "", "name"},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name!=name1", "list", "apis", "g", "v", "", "r", "",
     ""},
    {"GET", "/apis/g/v/r?fieldSelector=", "list", "apis", "g", "v", "", "r", "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=&fieldSelector=metadata.name=a", "list", "apis", "g", "v",
     "", "r", "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=.", "list", "apis", "g", "v", "", "r", "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=a%25b", "list", "apis", "g", "v", "", "r", "",
     ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=a&limit=x", "list", "apis", "g", "v", "", "r",
     "", ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=a&limit=500&timeoutSeconds=5", "list", "apis",
     "g", "v", "", "r", "", "a"},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=a%2Fb", "list", "apis", "g", "v", "", "r", "",
     ""},
    {"GET", "/apis/g/v/r?fieldSelector=metadata.name=..", "list", "apis", "g", "v", "", "r", "",
     ""},
};

TEST(RequestAttributes, OfResources) {
  for (const Row& row : kResourceRows) {
    SCOPED_TRACE(std::string(row.method) + " " + std::string(row.target));
    const Result<Target> target = Target::Parse(row.target);
    ASSERT_TRUE(target);
    const Result<Attributes> got = RequestAttributes(row.method, *target);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_TRUE(got->is_resource);
    EXPECT_EQ(got->verb, row.verb);
    EXPECT_EQ(got->api_prefix, row.prefix);
    EXPECT_EQ(got->api_group, row.group);
    EXPECT_EQ(got->api_version, row.version);
    EXPECT_EQ(got->namespace_, row.namespace_);
    EXPECT_EQ(got->resource, row.resource);
    EXPECT_EQ(got->subresource, row.subresource);
    EXPECT_EQ(got->name, row.name);
  }
}

TEST(RequestAttributes, OfOtherPaths) {
  for (const std::string_view path : {"/",
                                      "/api",
                                      "/api/v1",
                                      "/api/v1/",
                                      "/api/version/",
                                      "/apis",
                                      "/apis/g",
                                      "/apis/g/v",
                                      "/apis/g/v/",
                                      "/apis/version/resource",
                                      "/badprefix/version/resource",
                                      "/healthz",
                                      "/not-api/version/resource",
                                      "/api/version",
                                      "/apis/extensions/v1beta1",
                                      "/apis/extensions/v1beta1/",
                                      "/apis/group/version/",
                                      "/API/v1/pods",
                                      "/logs/kube-apiserver.log",
                                      "/version"}) {
    const Attributes got = RequestAttributes("GET", Target::Parse(path).value()).value();
    EXPECT_FALSE(got.is_resource) << path;
    EXPECT_EQ(got.verb, "get") << path;
    EXPECT_EQ(got.path, path);
  }
  const Target empty = Target::Parse("").value();
  EXPECT_EQ(RequestAttributes("POST", empty).value().verb, "post");
  EXPECT_EQ(RequestAttributes("HEAD", empty).value().verb, "head");
}

TEST(RequestAttributes, Refusals) {
  constexpr std::string_view kTable[][2] = {
      {"OPTIONS", "/api/v1/pods"},
      {"CONNECT", "/api/v1/pods"},
      {"TRACE", "/healthz"},
      {"get", "/api/v1/pods"},
      {"", "/api/v1/pods"},
      {"GET", "/api/v1/watch"},
      {"GET", "/apis/apps/v1/watch"},
      {"GET", "/api/v1/proxy"},
      {"GET", "/api/v1/proxy/namespaces/other/pods/foo"},
      {"GET", "/api/v1/proxy/nodes/foo/sub"},
      {"GET", "/api/v1/proxy/namespaces/other/pods/foo/subpath/not/a/subresource"},
      {"HEAD", "/api/v1/watch/pods"},
      {"POST", "/api/v1/watch/pods"},
      {"DELETE", "/api/v1/watch/namespaces/a/pods/b"},
  };
  for (const auto& [method, path] : kTable) {
    const Result<Attributes> got = RequestAttributes(method, Target::Parse(path).value());
    ASSERT_FALSE(got) << method << " " << path;
    EXPECT_EQ(got.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(NameFromFieldSelector, AsUpstream) {
  constexpr std::string_view kTable[][2] = {
      {"", ""},
      {"metadata.name=a", "a"},
      {"metadata.name==a", "a"},
      {"metadata.name!=a", ""},
      {"metadata.name=", ""},
      {"spec.nodeName=n,metadata.name=a", "a"},
      {",,metadata.name=a,", "a"},
      {"metadata.name=b,metadata.name=a", "a"},  // terms are sorted first
      {"metadata.name=a\\,b", "a,b"},
      {"metadata.name=a\\", ""},
      {"metadata.name=a\\x", ""},
      {"metadata.name=a=b", ""},
      {"metadata.name=a,broken", ""},
      {" metadata.name=a", ""},
  };
  for (const auto& [selector, name] : kTable) {
    EXPECT_EQ(NameFromFieldSelector(selector), name) << selector;
  }
}

}  // namespace
}  // namespace mk8s::kube
