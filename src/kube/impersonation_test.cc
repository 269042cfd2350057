// What a client asks to act as, and what must be granted for it.
#include "kube/impersonation.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace mk8s::kube {
namespace {

std::string Decisions(const http::Fields& fields) {
  const auto asked = ReadImpersonation(fields);
  if (!asked) return "error";
  if (!*asked) return "none";
  std::string out;
  for (const Attributes& one : DecisionsFor(**asked)) {
    EXPECT_TRUE(one.is_resource);
    EXPECT_EQ(one.verb, "impersonate");
    if (!out.empty()) out += "; ";
    out += one.resource;
    if (!one.api_group.empty()) out += "." + one.api_group;
    if (!one.subresource.empty()) out += "/" + one.subresource;
    out += " " + (one.namespace_.empty() ? "" : one.namespace_ + "/") + one.name;
  }
  return out;
}

TEST(Impersonation, DecisionsAreKubeApiservers) {
  struct Row {
    http::Fields fields;
    std::string_view decisions;
  };
  const Row rows[] = {
      {{}, "none"},
      {{{"accept", "*/*"}, {"ximpersonate-user", "bob"}}, "none"},
      {{{"Impersonate-User", "bob"}}, "users bob"},
      {{{"impersonate-user", "system:serviceaccount:web:robot.1"}}, "serviceaccounts web/robot.1"},
      {{{"impersonate-user", "system:serviceaccount:web"}}, "users system:serviceaccount:web"},
      {{{"impersonate-user", "system:serviceaccount:a:b:c"}}, "users system:serviceaccount:a:b:c"},
      {{{"impersonate-user", "system:serviceaccount:We:b"}}, "users system:serviceaccount:We:b"},
      {{{"impersonate-user", "system:serviceaccount::b"}}, "users system:serviceaccount::b"},
      {{{"impersonate-group", "dev"}, {"impersonate-user", "bob"}, {"impersonate-group", "ops, x"}},
       "users bob; groups dev; groups ops, x"},
      {{{"impersonate-user", "bob"}, {"impersonate-uid", "1"}},
       "users bob; uids.authentication.k8s.io 1"},
      {{{"impersonate-user", "bob"},
        {"Impersonate-Extra-Scopes", "view"},
        {"impersonate-extra-scopes", ""},
        {"impersonate-extra-acme.com%2fproject", "p"},
        {"impersonate-extra-50%", "p"},
        {"impersonate-extra-%4", "p"},
        {"impersonate-extra-%zz", "p"}},
       "users bob; userextras.authentication.k8s.io/scopes view; "
       "userextras.authentication.k8s.io/scopes ; "
       "userextras.authentication.k8s.io/acme.com/project p; "
       "userextras.authentication.k8s.io/50% p; userextras.authentication.k8s.io/%4 p; "
       "userextras.authentication.k8s.io/%zz p"},
      // Nothing of it may be dropped on the way: what is not understood is an error.
      {{{"impersonate-group", "dev"}}, "error"},
      {{{"impersonate-uid", "1"}}, "error"},
      {{{"impersonate-extra-scopes", "view"}}, "error"},
      {{{"impersonate-user", ""}}, "error"},
      {{{"impersonate-user", "bob"}, {"impersonate-user", "bob"}}, "error"},
      {{{"impersonate-user", "bob"}, {"impersonate-uid", "1"}, {"impersonate-uid", "2"}}, "error"},
      {{{"impersonate-user", "bob"}, {"impersonate-group", ""}}, "error"},
      {{{"impersonate-user", "bob"}, {"impersonate-extra-", "x"}}, "error"},
      {{{"impersonate-user", "bob"}, {"impersonate-namespace", "x"}}, "error"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Decisions(row.fields), row.decisions)
        << (row.fields.empty() ? "" : row.fields.begin()->name);
  }
}

TEST(Impersonation, IsBounded) {
  http::Fields fields{{"impersonate-user", "bob"}};
  for (std::size_t i = 0; i < limits::kImpersonatedValuesMax; ++i) {
    fields.Add("impersonate-group", "g");
  }
  EXPECT_TRUE(ReadImpersonation(fields));
  fields.Add("impersonate-extra-x", "y");
  ASSERT_FALSE(ReadImpersonation(fields));
  EXPECT_EQ(ReadImpersonation(fields).error().code, ErrorCode::kInvalidArgument);
}

TEST(Impersonation, IsDescribedForTheAuditLog) {
  Impersonation asked{.user = "bob\x1b[2J"};
  EXPECT_EQ(Describe(asked), "acts as bob\\x1b[2J");
  asked = {.user = "bob", .groups = {"dev"}, .uid = "7", .extra = {{"scopes", "view"}}};
  EXPECT_EQ(Describe(asked), "acts as bob, group dev, uid 7, with extra");
  asked = {.user = "bob", .groups = std::vector<std::string>(9, "g")};
  EXPECT_EQ(Describe(asked), "acts as bob, groups g, g, g, g, g, g, g, g, ...");
}

}  // namespace
}  // namespace mk8s::kube
