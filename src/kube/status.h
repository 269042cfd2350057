// Errors as Kubernetes clients expect them: metav1.Status bodies whose message kubectl prints
// whole, and the header fields that go with them.
//
// What kubectl does with one (kubectl/pkg/cmd/util/helpers.go): "Error from server (REASON):
// MESSAGE"; for Unauthorized "error: You must be logged in to the server (MESSAGE)".  Details are
// not printed, except causes of Invalid, which we never send.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "models/attributes.h"

namespace mk8s::kube {

struct StatusDetails {
  std::string name;
  std::string group;
  std::string kind;  // the resource's name, as kube-apiserver fills it
  // client-go (1.20 to 0.36) waits and repeats up to ten times on 429 and on any 5xx that carries
  // Retry-After, so set it only where that is wanted, and never for an agent that is offline.
  std::optional<std::chrono::seconds> retry_after;
};

StatusDetails DetailsOf(const Attributes& attributes);

/// The JSON body for `error`; uses code and message, never detail.
std::string StatusJson(const Error& error, const StatusDetails& details = {});

/// Content-Type, and with them WWW-Authenticate (401) and Retry-After where details ask for it.
http::Fields StatusFields(const Error& error, const StatusDetails& details = {});

/// kube-apiserver's own sentence, word for word (responsewriters/errors.go):
///   pods "x" is forbidden: User "dev@example.com" cannot delete resource "pods" in API group "" in
///   the namespace "default": REASON; who may grant it
/// `allowing_roles` are the roles that would allow it (auth::RoleBook::WhoMayAllow); empty says so.
Error Forbidden(std::string_view user, const Attributes& attributes, std::string_view reason,
                const std::vector<std::string>& allowing_roles);

/// Go's %q of `text`, as in the sentence above.
std::string Quote(std::string_view text);

}  // namespace mk8s::kube
