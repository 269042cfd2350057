// The built-in resources of role_resources.h: `kubectl api-resources` of Kubernetes 1.36 with its
// feature-gated groups, sorted by group.
#include "auth/role_resources.h"

namespace mk8s::auth {
namespace {

constexpr bool kCluster = false;  // not namespaced

constexpr BuiltInResource kResources[] = {
    {"", "bindings"},
    {"", "componentstatuses", kCluster, "cs"},
    {"", "configmaps", true, "cm"},
    {"", "endpoints", true, "ep"},
    {"", "events", true, "ev"},
    {"", "groups", kCluster},  // impersonation
    {"", "limitranges", true, "limits"},
    {"", "namespaces", kCluster, "ns"},
    {"", "nodes", kCluster, "no"},
    {"", "persistentvolumeclaims", true, "pvc"},
    {"", "persistentvolumes", kCluster, "pv"},
    {"", "pods", true, "po"},
    {"", "podtemplates"},
    {"", "replicationcontrollers", true, "rc"},
    {"", "resourcequotas", true, "quota"},
    {"", "secrets"},
    {"", "serviceaccounts", true, "sa"},
    {"", "services", true, "svc"},
    {"", "users", kCluster},  // impersonation
    {"admissionregistration.k8s.io", "mutatingadmissionpolicies", kCluster},
    {"admissionregistration.k8s.io", "mutatingadmissionpolicybindings", kCluster},
    {"admissionregistration.k8s.io", "mutatingwebhookconfigurations", kCluster},
    {"admissionregistration.k8s.io", "validatingadmissionpolicies", kCluster},
    {"admissionregistration.k8s.io", "validatingadmissionpolicybindings", kCluster},
    {"admissionregistration.k8s.io", "validatingwebhookconfigurations", kCluster},
    {"apiextensions.k8s.io", "customresourcedefinitions", kCluster, "crd"},
    {"apiregistration.k8s.io", "apiservices", kCluster},
    {"apps", "controllerrevisions"},
    {"apps", "daemonsets", true, "ds"},
    {"apps", "deployments", true, "deploy"},
    {"apps", "replicasets", true, "rs"},
    {"apps", "statefulsets", true, "sts"},
    {"authentication.k8s.io", "selfsubjectreviews", kCluster},
    {"authentication.k8s.io", "tokenreviews", kCluster},
    {"authentication.k8s.io", "uids", kCluster},        // impersonation
    {"authentication.k8s.io", "userextras", kCluster},  // impersonation
    {"authorization.k8s.io", "localsubjectaccessreviews"},
    {"authorization.k8s.io", "selfsubjectaccessreviews", kCluster},
    {"authorization.k8s.io", "selfsubjectrulesreviews", kCluster},
    {"authorization.k8s.io", "subjectaccessreviews", kCluster},
    {"autoscaling", "horizontalpodautoscalers", true, "hpa"},
    {"batch", "cronjobs", true, "cj"},
    {"batch", "jobs"},
    {"certificates.k8s.io", "certificatesigningrequests", kCluster, "csr"},
    {"certificates.k8s.io", "clustertrustbundles", kCluster},
    {"certificates.k8s.io", "podcertificaterequests"},
    {"certificates.k8s.io", "signers", kCluster},  // asked with approve, sign and attest
    {"coordination.k8s.io", "leasecandidates"},
    {"coordination.k8s.io", "leases"},
    {"discovery.k8s.io", "endpointslices"},
    {"events.k8s.io", "events", true, "ev"},  // the same objects as core's
    {"flowcontrol.apiserver.k8s.io", "flowschemas", kCluster},
    {"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", kCluster},
    {"internal.apiserver.k8s.io", "storageversions", kCluster},
    {"networking.k8s.io", "ingressclasses", kCluster},
    {"networking.k8s.io", "ingresses", true, "ing"},
    {"networking.k8s.io", "ipaddresses", kCluster, "ip"},
    {"networking.k8s.io", "networkpolicies", true, "netpol"},
    {"networking.k8s.io", "servicecidrs", kCluster},
    {"node.k8s.io", "runtimeclasses", kCluster},
    {"policy", "poddisruptionbudgets", true, "pdb"},
    {"rbac.authorization.k8s.io", "clusterrolebindings", kCluster},
    {"rbac.authorization.k8s.io", "clusterroles", kCluster},
    {"rbac.authorization.k8s.io", "rolebindings"},
    {"rbac.authorization.k8s.io", "roles"},
    {"resource.k8s.io", "deviceclasses", kCluster},
    {"resource.k8s.io", "devicetaintrules", kCluster},
    {"resource.k8s.io", "resourceclaims"},
    {"resource.k8s.io", "resourceclaimtemplates"},
    {"resource.k8s.io", "resourceslices", kCluster},
    {"scheduling.k8s.io", "priorityclasses", kCluster, "pc"},
    {"scheduling.k8s.io", "workloads"},
    {"storage.k8s.io", "csidrivers", kCluster},
    {"storage.k8s.io", "csinodes", kCluster},
    {"storage.k8s.io", "csistoragecapacities"},
    {"storage.k8s.io", "storageclasses", kCluster, "sc"},
    {"storage.k8s.io", "volumeattachments", kCluster},
    {"storage.k8s.io", "volumeattributesclasses", kCluster, "vac"},
    {"storagemigration.k8s.io", "storageversionmigrations", kCluster},
};

}  // namespace

std::span<const BuiltInResource> BuiltInResources() { return kResources; }

ResourceScope ScopeOf(std::string_view group, std::string_view resource) {
  for (const BuiltInResource& known : kResources) {
    if (known.name == resource && known.group == group) {
      return known.namespaced ? ResourceScope::kNamespaced : ResourceScope::kCluster;
    }
  }
  return ResourceScope::kUnknown;
}

}  // namespace mk8s::auth
