// What one request costs before it may leave central: its attributes (at most 0.5 us) and its
// decision by 100 roles of 20 grants each (at most 1 us).  Refusals are slower: they explain.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "auth/role_matcher.h"
#include "kube/attributes.h"
#include "kube/target.h"

namespace mk8s {
namespace {

constexpr std::string_view kList = "/api/v1/namespaces/team-50/pods?limit=500";
constexpr std::string_view kNamed = "/apis/apps/v1/namespaces/team-50/deployments/storefront-web";
constexpr std::string_view kExec =
    "/api/v1/namespaces/team-50/pods/storefront-web-5d8f7c6b9-x2x7k/"
    "exec?command=sh&container=web&stdin=true&stdout=true&tty=true";
constexpr std::string_view kWatch =
    "/api/v1/pods?allowWatchBookmarks=true&fieldSelector=spec.nodeName%3Dnode-17&"
    "resourceVersion=123456789&timeoutSeconds=540&watch=true";

Attributes AttributesOf(std::string_view method, std::string_view raw) {
  auto target = kube::Target::Parse(raw);
  if (!target) std::abort();
  auto attributes = kube::RequestAttributes(method, *target);
  if (!attributes) std::abort();
  return *std::move(attributes);
}

void BM_Attributes(benchmark::State& state, std::string_view raw) {
  for (auto _ : state) benchmark::DoNotOptimize(AttributesOf("GET", raw));
}
BENCHMARK_CAPTURE(BM_Attributes, list, kList);
BENCHMARK_CAPTURE(BM_Attributes, named, kNamed);
BENCHMARK_CAPTURE(BM_Attributes, exec, kExec);
BENCHMARK_CAPTURE(BM_Attributes, watch, kWatch);

void BM_Serialize(benchmark::State& state, std::string_view raw) {
  const kube::Target target = kube::Target::Parse(raw).value();
  for (auto _ : state) benchmark::DoNotOptimize(target.Serialize());
}
BENCHMARK_CAPTURE(BM_Serialize, list, kList);
BENCHMARK_CAPTURE(BM_Serialize, watch, kWatch);

// A company of 100 teams, each with a role for its own namespaces: 20 grants on what teams use.
std::vector<Role> Teams() {
  constexpr const char* kResources[] = {"pods",
                                        "services",
                                        "deployments",
                                        "statefulsets",
                                        "daemonsets",
                                        "jobs",
                                        "cronjobs",
                                        "configmaps",
                                        "ingresses",
                                        "endpoints",
                                        "events",
                                        "replicasets",
                                        "leases",
                                        "persistentvolumeclaims",
                                        "networkpolicies",
                                        "pods/status",
                                        "serviceaccounts",
                                        "horizontalpodautoscalers",
                                        "apps/*",
                                        "*.example.com"};
  std::vector<Role> roles;
  for (int team = 0; team < 100; ++team) {
    const std::string name = "team-" + std::to_string(team);
    Role role{.name = name};
    for (const char* resource : kResources) {
      role.grants.push_back({.cluster = "*",
                             .namespaces = {name, name + "-*"},
                             .verbs = {"get", "list", "logs", "exec", "apply"},
                             .resources = {resource},
                             .except_namespaces = {"kube-*"}});
    }
    roles.push_back(std::move(role));
  }
  return roles;
}

// A user who holds `held` of the 100 roles; the request is of the last one's team.
void BM_Decide(benchmark::State& state, std::string_view method, std::string_view raw,
               bool allowed) {
  const auth::RoleBook book(Teams());
  std::vector<std::string> held;
  for (int team = 0; team < 100; ++team) {
    if (team < state.range(0) - 1 || team == 50) held.push_back("team-" + std::to_string(team));
  }
  const auto matcher = book.For(held, "prod-eu");
  Attributes attributes = AttributesOf(method, raw);
  if (!attributes.subresource.empty()) attributes.verb = "create";
  if (matcher->Decide(attributes).allowed != allowed) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(matcher->Decide(attributes));
}
BENCHMARK_CAPTURE(BM_Decide, list, "GET", kList, true)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK_CAPTURE(BM_Decide, named, "GET", kNamed, true)->Arg(1)->Arg(100);
BENCHMARK_CAPTURE(BM_Decide, exec, "GET", kExec, true)->Arg(1)->Arg(100);
BENCHMARK_CAPTURE(BM_Decide, refused, "DELETE", kNamed, false)->Arg(1)->Arg(100);

// What is done once for each user and cluster after a change.
void BM_Compile(benchmark::State& state) {
  const auth::RoleBook book(Teams());
  std::vector<std::string> held;
  for (int team = 0; team < state.range(0); ++team) held.push_back("team-" + std::to_string(team));
  for (auto _ : state) benchmark::DoNotOptimize(book.For(held, "prod-eu"));
}
BENCHMARK(BM_Compile)->Arg(3)->Arg(100);

}  // namespace
}  // namespace mk8s
