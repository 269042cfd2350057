// From a method and a target to the attributes that are decided and audited, exactly as
// kube-apiserver derives its own (RequestInfoFactory, k8s.io/apiserver 0.36
// pkg/endpoints/request/requestinfo.go).  Pure; on the hot path.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/target.h"
#include "models/attributes.h"

namespace mk8s::kube {

/// `method` as sent.  The verb is upstream's; see DecisionVerb in kube/classify.h for the one that
/// is decided.  Errors: kInvalidArgument for methods other than GET HEAD POST PUT PATCH DELETE, for
/// anything but GET under a watch/ prefix, for the legacy proxy/ prefix, for a prefix without more.
Result<Attributes> RequestAttributes(std::string_view method, const Target& target);

/// The value that a field selector requires `metadata.name` to be, "" if none or if the selector is
/// malformed (apimachinery/pkg/fields: ParseSelector, RequiresExactMatch).
std::string NameFromFieldSelector(std::string_view selector);

}  // namespace mk8s::kube
