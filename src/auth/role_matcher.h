// Roles compiled to the decision that every request gets.  The compiled form is immutable and
// thread-safe; central makes a new RoleBook with each snapshot and asks it for one RoleMatcher per
// user and cluster.  Rules: docs/security.md, "Roles".
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/attributes.h"
#include "models/role.h"

namespace mk8s::auth {

struct CompiledRole;
struct MatcherIndex;

/// What one grant lets through of a list or watch that reaches further than the grant.  An object
/// passes if any scope takes it: its namespace matches one of `namespaces` and none of
/// `except_namespaces`, and its name one of `names` (empty: every name).  For Namespace objects the
/// object's own name is matched against the namespaces.
struct ListScope {
  std::vector<std::string> namespaces;  // globs
  std::vector<std::string> except_namespaces;
  std::vector<std::string> names;
  // "*" among the namespaces: objects without a namespace pass too.
  bool cluster_scoped = false;

  bool operator==(const ListScope&) const = default;
};

/// Whether one of `scopes` takes the object; `namespace_` is "" for an object without one.
/// `namespace_object`: the list is of core Namespaces.
bool Admits(std::span<const ListScope> scopes, bool namespace_object, std::string_view namespace_,
            std::string_view name);

struct Decision {
  bool allowed = false;  // the whole request, unfiltered
  // A list or watch of which only a part is granted: may be sent only if the answer is filtered by
  // `scopes`.  Then allowed is false.
  bool narrowed = false;
  std::vector<std::string> roles;  // that allowed or narrowed this very request, sorted
  std::vector<ListScope> scopes;   // of a narrowed one
  std::string reason;              // of a refusal or narrowing, for people: what was missing
};

/// One user's roles on one cluster.
class RoleMatcher {
 public:
  ~RoleMatcher();
  RoleMatcher(const RoleMatcher&) = delete;
  RoleMatcher& operator=(const RoleMatcher&) = delete;

  /// Connecting subresources are decided as `create` whatever attributes.verb says.  Verbs that are
  /// no request's (impersonate, bind, escalate) can be asked for by attributes made for the
  /// purpose.
  Decision Decide(const Attributes& attributes) const;

  /// No grant at all: the cluster does not exist for this user.  Discovery is open to all others.
  bool empty() const;

  /// For SelfSubjectRulesReview: what is granted in `namespace_` in Kubernetes' own terms.
  struct Rule {
    std::vector<std::string> verbs;
    std::vector<std::string> api_groups;
    std::vector<std::string> resources;
    std::vector<std::string> names;
    std::vector<std::string> paths;  // non-resource rules only; then groups and resources are empty
  };
  std::vector<Rule> RulesIn(std::string_view namespace_) const;

 private:
  friend class RoleBook;
  explicit RoleMatcher(std::unique_ptr<const MatcherIndex> index);
  std::unique_ptr<const MatcherIndex> index_;
};

/// All roles, compiled once for every cluster.
class RoleBook {
 public:
  /// Roles whose grants do not parse (they came past role_parse's checks) grant nothing.
  explicit RoleBook(std::vector<Role> roles);
  ~RoleBook();
  RoleBook(RoleBook&&) noexcept;
  RoleBook& operator=(RoleBook&&) noexcept;

  /// Never null; unknown role names grant nothing.  Tens of microseconds: keep the result.
  std::shared_ptr<const RoleMatcher> For(std::span<const std::string> role_names,
                                         std::string_view cluster) const;

  /// True if one of them has `admin: true`: may administer mk8s itself.
  bool IsAdmin(std::span<const std::string> role_names) const;

  /// Null if there is none of that name.
  const Role* Find(std::string_view name) const;

  /// The roles that would allow `attributes` on `cluster`, sorted: for a refusal's text.
  std::vector<std::string> WhoMayAllow(const Attributes& attributes,
                                       std::string_view cluster) const;

 private:
  std::vector<std::shared_ptr<const CompiledRole>> roles_;  // sorted by name
};

}  // namespace mk8s::auth
