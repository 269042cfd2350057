// Why a request was refused or narrowed, for the person who made it.  Off the hot path: only after
// auth/role_matcher has said no.
#pragma once

#include <string>
#include <vector>

#include "auth/role_grant.h"
#include "auth/role_matcher.h"
#include "auth/role_matcher_index.h"

namespace mk8s::auth {

/// kNothing if the grant covers the whole request.
Missing WhatIsMissing(const Ask& ask, const CompiledGrant& grant);

/// "role developer grants it only in the namespaces web, shop"
std::string ExplainRefusal(const Ask& ask, const MatcherIndex& index);

/// "your roles grant it only in the namespaces web, shop"
std::string ExplainNarrowing(const std::vector<ListScope>& scopes);

}  // namespace mk8s::auth
