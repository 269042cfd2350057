// See impersonation.h.
#include "kube/impersonation.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"

namespace mk8s::kube {
namespace {

constexpr std::string_view kPrefix = "impersonate-";
constexpr std::string_view kExtraPrefix = "impersonate-extra-";
constexpr std::string_view kServiceAccount = "system:serviceaccount:";
constexpr std::string_view kAuthenticationGroup = "authentication.k8s.io";

Error Malformed(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

// A DNS label (RFC 1123), which a namespace's name is; a ServiceAccount's may hold dots too.
bool IsName(std::string_view text, bool dots) {
  return !text.empty() && text.size() <= (dots ? 253 : 63) &&
         std::all_of(text.begin(), text.end(), [dots](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                  (dots && c == '.');
         });
}

// As serviceaccount.SplitUsername: what is no such name is an ordinary user's.
bool SplitServiceAccount(std::string_view user, Attributes& attributes) {
  if (!user.starts_with(kServiceAccount)) return false;
  user.remove_prefix(kServiceAccount.size());
  const std::size_t colon = std::min(user.find(':'), user.size());
  if (colon == user.size()) return false;
  const std::string_view namespace_ = user.substr(0, colon);
  const std::string_view name = user.substr(colon + 1);
  if (!IsName(namespace_, false) || !IsName(name, true)) return false;
  attributes.namespace_ = namespace_;
  attributes.name = name;
  return true;
}

// As unescapeExtraKey: a key that does not decode is taken as it is.
std::string ExtraKey(std::string_view escaped) {
  std::string key;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '%') {
      key += escaped[i];
      continue;
    }
    const std::string_view digits = escaped.substr(i + 1, 2);
    unsigned char byte = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), byte, 16);
    if (error != std::errc() || digits.size() != 2 || end != digits.end()) {
      return std::string(escaped);
    }
    key += static_cast<char>(byte);
    i += 2;
  }
  return key;
}

Attributes Asked(std::string_view group, std::string resource, std::string name) {
  return {.is_resource = true,
          .verb = "impersonate",
          .api_prefix = group.empty() ? "api" : "apis",
          .api_group = std::string(group),
          .api_version = "v1",
          .resource = std::move(resource),
          .name = std::move(name)};
}

Result<void> ReadField(const http::Field& field, Impersonation& asked) {
  if (field.name.starts_with(kExtraPrefix) && field.name.size() > kExtraPrefix.size()) {
    asked.extra.AddLower(field.name.substr(kExtraPrefix.size()), field.value);
    return {};
  }
  const bool group = field.name == "impersonate-group";
  if (!group && field.name != "impersonate-user" && field.name != "impersonate-uid") {
    return Malformed("mk8s does not know the field " + Printable(field.name, 64));
  }
  if (field.value.empty()) return Malformed("the field " + field.name + " is empty");
  if (group) {
    asked.groups.push_back(field.value);
    return {};
  }
  std::string& only = field.name == "impersonate-user" ? asked.user : asked.uid;
  if (!only.empty()) return Malformed("the field " + field.name + " is there more than once");
  only = field.value;
  return {};
}

}  // namespace

Result<std::optional<Impersonation>> ReadImpersonation(const http::Fields& from_client) {
  Impersonation asked;
  bool any = false;
  for (const http::Field& field : from_client) {
    if (!field.name.starts_with(kPrefix)) continue;
    any = true;
    MK8S_RETURN_IF_ERROR(ReadField(field, asked));
    if (asked.groups.size() + asked.extra.size() > limits::kImpersonatedValuesMax) {
      return Malformed("more than " + std::to_string(limits::kImpersonatedValuesMax) +
                       " groups and extras are asked for by impersonation");
    }
  }
  if (!any) return std::optional<Impersonation>();
  if (asked.user.empty()) {
    return Malformed("a group, uid or extra is asked for without impersonating a user");
  }
  return std::optional<Impersonation>(std::move(asked));
}

std::vector<Attributes> DecisionsFor(const Impersonation& asked) {
  std::vector<Attributes> decisions{Asked("", "users", asked.user)};
  if (SplitServiceAccount(asked.user, decisions[0])) decisions[0].resource = "serviceaccounts";
  for (const std::string& group : asked.groups) decisions.push_back(Asked("", "groups", group));
  for (const http::Field& extra : asked.extra) {
    decisions.push_back(Asked(kAuthenticationGroup, "userextras", extra.value));
    decisions.back().subresource = ExtraKey(extra.name);
  }
  if (!asked.uid.empty()) decisions.push_back(Asked(kAuthenticationGroup, "uids", asked.uid));
  return decisions;
}

std::string Describe(const Impersonation& asked) {
  constexpr std::size_t kValueBytesMax = 128;
  constexpr std::size_t kListedMax = 8;
  std::string out = "acts as " + Printable(asked.user, kValueBytesMax);
  for (std::size_t i = 0; i < asked.groups.size() && i <= kListedMax; ++i) {
    if (i == kListedMax) {
      out += ", ...";
      break;
    }
    out += (i == 0 ? (asked.groups.size() == 1 ? ", group " : ", groups ") : ", ") +
           Printable(asked.groups[i], kValueBytesMax);
  }
  if (!asked.uid.empty()) out += ", uid " + Printable(asked.uid, kValueBytesMax);
  if (!asked.extra.empty()) out += ", with extra";
  return out;
}

}  // namespace mk8s::kube
