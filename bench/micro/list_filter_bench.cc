// What a filtered list costs: 50 MB of pods as kube-apiserver writes them, managed fields included,
// of which the user may see a tenth or nine tenths.  At least 300 MB/s, in memory that the list's
// length does not change.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/limits.h"
#include "kube/list_filter.h"

namespace mk8s {
namespace {

constexpr std::size_t kListBytes = 50'000'000;
constexpr int kNamespaces = 100;

// One of a Deployment's pods; {0} is its number, {1} its namespace's.
constexpr std::string_view kPod =
    R"({{"metadata":{{"name":"storefront-web-5d8f7c6b9-{0:05}","generateName":"storefront-web)"
    R"(-5d8f7c6b9-","namespace":"team-{1}","uid":"0b9e0c7e-1f0a-4a51-9a06-0d5f3c{0:06}","reso)"
    R"(urceVersion":"48{0:06}","generation":1,"creationTimestamp":"2026-03-01T08:00:00Z","lab)"
    R"(els":{{"app":"storefront","tier":"web","pod-template-hash":"5d8f7c6b9"}},"annotations")"
    R"(:{{"prometheus.io/scrape":"true","note":"a \"quoted\" line\n"}},"ownerReferences":[{{")"
    R"(apiVersion":"apps/v1","kind":"ReplicaSet","name":"storefront-web-5d8f7c6b9","uid":"8b0)"
    R"(c3a90-57a5-4f6b-8a41-61a1d2b0c0de","controller":true,"blockOwnerDeletion":true}}],"man)"
    R"(agedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":")"
    R"(v1","time":"2026-03-01T08:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{)"
    R"("f:generateName":{{}},"f:annotations":{{".":{{}},"f:prometheus.io/scrape":{{}},"f:note)"
    R"(":{{}}}},"f:labels":{{".":{{}},"f:app":{{}},"f:pod-template-hash":{{}},"f:tier":{{}}}})"
    R"(,"f:ownerReferences":{{".":{{}},"k:{{\"uid\":\"8b0c3a90-57a5-4f6b-8a41-61a1d2b0c0de\"})"
    R"(}":{{}}}}}},"f:spec":{{"f:containers":{{"k:{{\"name\":\"web\"}}":{{".":{{}},"f:env":{{)"
    R"(".":{{}},"k:{{\"name\":\"PORT\"}}":{{".":{{}},"f:name":{{}},"f:value":{{}}}}}},"f:imag)"
    R"(e":{{}},"f:imagePullPolicy":{{}},"f:livenessProbe":{{".":{{}},"f:failureThreshold":{{})"
    R"(},"f:httpGet":{{".":{{}},"f:path":{{}},"f:port":{{}},"f:scheme":{{}}}},"f:periodSecond)"
    R"(s":{{}},"f:successThreshold":{{}},"f:timeoutSeconds":{{}}}},"f:name":{{}},"f:ports":{{)"
    R"(".":{{}},"k:{{\"containerPort\":8080,\"protocol\":\"TCP\"}}":{{".":{{}},"f:containerPo)"
    R"(rt":{{}},"f:protocol":{{}}}}}},"f:resources":{{".":{{}},"f:limits":{{".":{{}},"f:cpu":)"
    R"({{}},"f:memory":{{}}}},"f:requests":{{".":{{}},"f:cpu":{{}},"f:memory":{{}}}}}},"f:ter)"
    R"(minationMessagePath":{{}},"f:terminationMessagePolicy":{{}}}}}},"f:dnsPolicy":{{}},"f:)"
    R"(enableServiceLinks":{{}},"f:restartPolicy":{{}},"f:schedulerName":{{}},"f:securityCont)"
    R"(ext":{{}},"f:terminationGracePeriodSeconds":{{}}}}}}}},{{"manager":"kubelet","operatio)"
    R"(n":"Update","apiVersion":"v1","time":"2026-03-01T08:00:05Z","fieldsType":"FieldsV1","f)"
    R"(ieldsV1":{{"f:status":{{"f:conditions":{{"k:{{\"type\":\"ContainersReady\"}}":{{".":{{)"
    R"(}},"f:lastProbeTime":{{}},"f:lastTransitionTime":{{}},"f:status":{{}},"f:type":{{}}}},)"
    R"("k:{{\"type\":\"Ready\"}}":{{".":{{}},"f:lastProbeTime":{{}},"f:lastTransitionTime":{{)"
    R"(}},"f:status":{{}},"f:type":{{}}}}}},"f:containerStatuses":{{}},"f:hostIP":{{}},"f:pha)"
    R"(se":{{}},"f:podIP":{{}},"f:podIPs":{{".":{{}},"k:{{\"ip\":\"10.12.1.7\"}}":{{".":{{}},)"
    R"("f:ip":{{}}}}}},"f:startTime":{{}}}}}},"subresource":"status"}}]}},"spec":{{"volumes":)"
    R"([{{"name":"kube-api-access-x2x7k","projected":{{"sources":[{{"serviceAccountToken":{{")"
    R"(expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt",")"
    R"(items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}],"defaultMode":420}}}}],"containers":[)"
    R"({{"name":"web","image":"registry.example.com/storefront/web:2026.2.28","ports":[{{"con)"
    R"(tainerPort":8080,"protocol":"TCP"}}],"env":[{{"name":"PORT","value":"8080"}}],"resourc)"
    R"(es":{{"limits":{{"cpu":"500m","memory":"256Mi"}},"requests":{{"cpu":"100m","memory":"1)"
    R"(28Mi"}}}},"volumeMounts":[{{"name":"kube-api-access-x2x7k","readOnly":true,"mountPath")"
    R"(:"/var/run/secrets/kubernetes.io/serviceaccount"}}],"livenessProbe":{{"httpGet":{{"pat)"
    R"(h":"/healthz","port":8080,"scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":10,"suc)"
    R"(cessThreshold":1,"failureThreshold":3}},"terminationMessagePath":"/dev/termination-log)"
    R"(","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}}],"restartPolicy)"
    R"(":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccou)"
    R"(ntName":"default","nodeName":"node-{1}","securityContext":{{}},"schedulerName":"defaul)"
    R"(t-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists")"
    R"(,"effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":tru)"
    R"(e,"preemptionPolicy":"PreemptLowerPriority"}},"status":{{"phase":"Running","conditions)"
    R"(":[{{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-03)"
    R"(-01T08:00:05Z"}},{{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTra)"
    R"(nsitionTime":"2026-03-01T08:00:00Z"}}],"hostIP":"192.0.2.{1}","podIP":"10.12.1.7","pod)"
    R"(IPs":[{{"ip":"10.12.1.7"}}],"startTime":"2026-03-01T08:00:00Z","containerStatuses":[{{)"
    R"("name":"web","state":{{"running":{{"startedAt":"2026-03-01T08:00:04Z"}}}},"lastState":)"
    R"({{}},"ready":true,"restartCount":0,"image":"registry.example.com/storefront/web:2026.2)"
    R"(.28","started":true}}],"qosClass":"Burstable"}}}})";

std::string Pods() {
  std::string list =
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"48123456"},"items":[)";
  for (int pod = 0; list.size() < kListBytes; ++pod) {
    if (pod > 0) list += ',';
    fmt::format_to(std::back_inserter(list), kPod, pod, pod % kNamespaces);
  }
  return list + "]}";
}

kube::ListFilterRules Granted(int namespaces) {
  return {[namespaces](std::string_view namespace_, std::string_view) {
            return std::atoi(std::string(namespace_.substr(5)).c_str()) < namespaces;
          },
          [](std::string_view token) -> Result<std::string> { return std::string(token); }};
}

std::size_t AllocatedBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// Filters as the relay does, a read at a time, and gives the bytes that passed.
template <typename AfterChunk>
std::size_t Filter(std::string_view list, int namespaces, AfterChunk after_chunk) {
  kube::ListFilter filter(kube::ListShape::kList, Granted(namespaces));
  std::string out;
  std::size_t passed_bytes = 0;
  for (std::size_t at = 0; at < list.size(); at += limits::kReadBytes) {
    if (!filter.Write(list.substr(at, limits::kReadBytes), out)) std::abort();
    passed_bytes += out.size();
    after_chunk();
    out.clear();
  }
  if (!filter.Finish()) std::abort();
  return passed_bytes;
}

void BM_FilterPods(benchmark::State& state) {
  static const std::string list = Pods();
  const int granted = static_cast<int>(state.range(0));
  const std::size_t before = AllocatedBytes();
  std::size_t peak = before;
  const std::size_t passed_bytes =
      Filter(list, granted, [&] { peak = std::max(peak, AllocatedBytes()); });
  for (auto _ : state) benchmark::DoNotOptimize(Filter(list, granted, [] {}));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * list.size()));
  state.counters["passed_%"] = 100.0 * static_cast<double>(passed_bytes) / list.size();
  state.counters["memory_KiB"] = static_cast<double>(peak - before) / 1024;
}
BENCHMARK(BM_FilterPods)->Arg(10)->Arg(90)->Arg(100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mk8s
