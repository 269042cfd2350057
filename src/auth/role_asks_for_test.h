// Requests and grants in one line each, for the tables of the role tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "auth/role_matcher.h"
#include "auth/role_parse.h"
#include "base/text.h"
#include "models/attributes.h"

namespace mk8s::auth {

/// "get pods/log web/a": verb, resource[.group][/subresource], namespace/name; either may be empty,
/// and "list pods" alone is over all namespaces.  "get /metrics" is a path that is no resource.
inline Attributes Asked(std::string_view line) {
  const std::vector<std::string_view> words = Split(line, ' ');
  Attributes asked;
  asked.verb = words.at(0);
  if (words.at(1).starts_with('/')) {
    asked.path = words[1];
    return asked;
  }
  asked.is_resource = true;
  const std::size_t slash = words[1].find('/');
  const std::string_view resource = words[1].substr(0, slash);
  if (slash != words[1].npos) asked.subresource = words[1].substr(slash + 1);
  const std::size_t dot = resource.find('.');
  asked.resource = resource.substr(0, dot);
  if (dot != resource.npos) asked.api_group = resource.substr(dot + 1);
  if (words.size() > 2) {
    const std::size_t cut = words[2].find('/');
    asked.namespace_ = words[2].substr(0, cut);
    asked.name = words[2].substr(cut + 1);
  }
  return asked;
}

/// Role "r" with one grant on every cluster, in YAML's flow style: `verbs: [get], resources:
/// [pods]`, with `namespaces: ["*"]` unless it says otherwise.
inline Role OneGrant(std::string_view grant, bool admin = false) {
  std::string yaml = "roles: [{name: r, admin: " + std::string(admin ? "true" : "false");
  yaml += ", clusters: [{name: \"*\", ";
  if (!grant.starts_with("namespaces:")) yaml += "namespaces: [\"*\"], ";
  yaml += std::string(grant) + "}]}]";
  Result<RolesFile> file = ParseRolesFile(yaml);
  if (!file) {
    ADD_FAILURE() << yaml << ": " << file.error().message;
    return {};
  }
  return file->roles.at(0);
}

inline Decision Decided(const Role& role, std::string_view asked) {
  const RoleBook book({role});
  const std::vector<std::string> held = {role.name};
  return book.For(held, "c")->Decide(Asked(asked));
}

enum class Outcome { kDenied, kPart, kAllowed };
using enum Outcome;

inline Outcome OutcomeOf(const Decision& decision) {
  EXPECT_FALSE(decision.allowed && decision.narrowed);
  EXPECT_EQ(decision.narrowed, !decision.scopes.empty());
  EXPECT_EQ(decision.reason.empty(), decision.allowed);
  EXPECT_EQ(decision.roles.empty(), !decision.allowed && !decision.narrowed);
  if (decision.allowed) return kAllowed;
  return decision.narrowed ? kPart : kDenied;
}

struct GrantRow {
  std::string_view grant;
  std::string_view asked;
  Outcome outcome;
};

template <std::size_t kRows>
void ExpectOutcomes(const GrantRow (&rows)[kRows]) {
  for (const GrantRow& row : rows) {
    EXPECT_EQ(OutcomeOf(Decided(OneGrant(row.grant), row.asked)), row.outcome)
        << row.grant << "  <-  " << row.asked;
  }
}

inline void PrintTo(Outcome outcome, std::ostream* out) {
  *out << (outcome == kAllowed ? "allowed" : outcome == kPart ? "part" : "denied");
}

}  // namespace mk8s::auth
