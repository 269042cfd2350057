// Whom a client asks to act as: kubectl's --as, --as-group and --as-uid, and any client's own
// Impersonate-* fields.  Central reads them while it admits a request and decides each part with
// verb `impersonate`, as kube-apiserver does (k8s.io/apiserver pkg/endpoints/filters/
// impersonation.go); what was granted goes to the cluster exactly as asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/message.h"
#include "models/attributes.h"

namespace mk8s::kube {

struct Impersonation {
  std::string user;
  std::vector<std::string> groups;
  std::string uid;     // "": none asked for
  http::Fields extra;  // named by what follows "impersonate-extra-", as sent
};

/// Nothing if no field begins with "impersonate-".  Errors: kInvalidArgument for anything asked for
/// without a user, an empty or repeated user or uid, an empty group, a field that is none of these,
/// more than limits::kImpersonatedValuesMax parts.
Result<std::optional<Impersonation>> ReadImpersonation(const http::Fields& from_client);

/// What must be granted, every one: users or serviceaccounts, groups, uids, userextras/KEY.
std::vector<Attributes> DecisionsFor(const Impersonation& asked);

/// For the audit log: `acts as bob, groups a, b`.
std::string Describe(const Impersonation& asked);

}  // namespace mk8s::kube
