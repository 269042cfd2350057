// What a Kubernetes request asks for: the input of every decision and of the audit log.  Filled by
// kube/attributes from a method, a path and a query exactly as kube-apiserver's RequestInfoFactory
// does (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go).
#pragma once

#include <string>

namespace mk8s {

struct Attributes {
  bool is_resource = false;  // false: `path` is what is asked for (/healthz, /apis, ...)
  std::string verb;  // get list watch create update patch delete deletecollection; non-resource:
                     // the lower-case method
  std::string api_prefix;  // "api" or "apis"
  std::string api_group;   // "" is core
  std::string api_version;
  std::string namespace_;
  std::string resource;
  std::string subresource;
  std::string name;
  std::string path;  // decoded, without the query

  bool operator==(const Attributes&) const = default;
};

}  // namespace mk8s
