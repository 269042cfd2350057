// See self_review.h.
#include "kube/self_review.h"

#include <boost/json.hpp>

#include "base/limits.h"
#include "base/text.h"
#include "kube/protobuf_wire.h"

namespace mk8s::kube {
namespace {

namespace json = boost::json;

constexpr std::string_view kProtobufMagic("k8s\0", 4);
constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";
constexpr std::string_view kJsonType = "application/json";

// Field numbers: k8s.io/api/authorization/v1/generated.proto, authentication/v1, apimachinery
// runtime.
constexpr std::uint32_t kUnknownTypeMeta = 1, kUnknownRaw = 2, kTypeMetaApiVersion = 1,
                        kTypeMetaKind = 2;
constexpr std::uint32_t kReviewSpec = 2, kReviewStatus = 3, kSubjectStatus = 2;

std::string_view KindName(SelfReviewKind kind) {
  switch (kind) {
    case SelfReviewKind::kAccess:
      return "SelfSubjectAccessReview";
    case SelfReviewKind::kRules:
      return "SelfSubjectRulesReview";
    case SelfReviewKind::kSubject:
      return "SelfSubjectReview";
    case SelfReviewKind::kNone:
      break;
  }
  return "";
}

Error Malformed(SelfReviewKind kind) {
  return MakeError(ErrorCode::kInvalidArgument, "the body is not a " + std::string(KindName(kind)));
}

// kube-apiserver fills in both from the URL where the body leaves them out.
Result<SelfReview> WithType(SelfReviewKind kind, std::string_view api_version,
                            std::string_view name) {
  if (!name.empty() && name != KindName(kind)) return Malformed(kind);
  SelfReview review{.kind = kind, .api_version = std::string(api_version)};
  if (api_version.empty()) {
    review.api_version =
        kind == SelfReviewKind::kSubject ? "authentication.k8s.io/v1" : "authorization.k8s.io/v1";
  }
  return review;
}

// "" and "*" in a review mean all; Attributes of a list over all namespaces have "".
void FillResource(Attributes& asked, auto text) {
  asked.is_resource = true;
  asked.namespace_ = text("namespace", 1);
  asked.verb = text("verb", 2);
  asked.api_group = text("group", 3);
  asked.api_version = text("version", 4);
  asked.resource = text("resource", 5);
  asked.subresource = text("subresource", 6);
  asked.name = text("name", 7);
}

void FillNonResource(Attributes& asked, auto text) {
  asked.path = text("path", 1);
  asked.verb = text("verb", 2);
}

std::string TextOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(*text) : std::string();
}

const json::object* ObjectOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

Result<SelfReview> FromJson(SelfReviewKind kind, std::string_view body) {
  boost::system::error_code failure;
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  const json::value parsed = json::parse(body, failure, {}, options);
  const json::object* root = failure ? nullptr : parsed.if_object();
  if (root == nullptr) return Malformed(kind);
  MK8S_ASSIGN_OR_RETURN(SelfReview review,
                        WithType(kind, TextOf(*root, "apiVersion"), TextOf(*root, "kind")));
  const json::object* spec = ObjectOf(*root, "spec");
  if (kind == SelfReviewKind::kSubject || spec == nullptr) return review;
  if (kind == SelfReviewKind::kRules) {
    review.asked.namespace_ = TextOf(*spec, "namespace");
  } else if (const json::object* resource = ObjectOf(*spec, "resourceAttributes")) {
    FillResource(review.asked,
                 [&](std::string_view key, std::uint32_t) { return TextOf(*resource, key); });
  } else if (const json::object* path = ObjectOf(*spec, "nonResourceAttributes")) {
    FillNonResource(review.asked,
                    [&](std::string_view key, std::uint32_t) { return TextOf(*path, key); });
  }
  return review;
}

Result<SelfReview> FromProtobuf(SelfReviewKind kind, std::string_view body) {
  if (!body.starts_with(kProtobufMagic)) return Malformed(kind);
  body.remove_prefix(kProtobufMagic.size());
  const std::string_view type = FindBytes(body, kUnknownTypeMeta);
  const std::string_view raw = FindBytes(body, kUnknownRaw);
  const std::string_view spec = FindBytes(raw, kReviewSpec);
  if (!IsWellFormed(body) || !IsWellFormed(type) || !IsWellFormed(raw)) return Malformed(kind);
  MK8S_ASSIGN_OR_RETURN(SelfReview review, WithType(kind, FindBytes(type, kTypeMetaApiVersion),
                                                    FindBytes(type, kTypeMetaKind)));
  if (kind == SelfReviewKind::kSubject) return review;
  if (!IsWellFormed(spec)) return Malformed(kind);
  if (kind == SelfReviewKind::kRules) {
    review.asked.namespace_ = FindBytes(spec, 1);
    return review;
  }
  const std::string_view resource = FindBytes(spec, 1), path = FindBytes(spec, 2);
  if (!IsWellFormed(resource) || !IsWellFormed(path)) return Malformed(kind);
  const auto from = [](std::string_view message) {
    return [message](std::string_view, std::uint32_t number) {
      return std::string(FindBytes(message, number));
    };
  };
  if (!resource.empty()) {
    FillResource(review.asked, from(resource));
  } else {
    FillNonResource(review.asked, from(path));
  }
  return review;
}

ReviewAnswer JsonAnswer(const SelfReview& review, json::object status, json::object spec) {
  const json::object root{{"kind", KindName(review.kind)},
                          {"apiVersion", review.api_version},
                          {"metadata", json::object{{"creationTimestamp", nullptr}}},
                          {"spec", std::move(spec)},
                          {"status", std::move(status)}};
  return {.content_type = std::string(kJsonType), .body = json::serialize(root)};
}

ReviewAnswer ProtobufAnswer(const SelfReview& review, std::uint32_t status_number,
                            std::string_view status) {
  std::string type, raw, unknown;
  AppendBytes(type, kTypeMetaApiVersion, review.api_version);
  AppendBytes(type, kTypeMetaKind, KindName(review.kind));
  AppendBytes(raw, status_number, status);
  AppendBytes(unknown, kUnknownTypeMeta, type);
  AppendBytes(unknown, kUnknownRaw, raw);
  return {.content_type = std::string(kProtobufType),
          .body = std::string(kProtobufMagic) + unknown};
}

json::array ArrayOf(const std::vector<std::string>& items) {
  return json::array(items.begin(), items.end());
}

void AppendAll(std::string& message, std::uint32_t number, const std::vector<std::string>& items) {
  for (const std::string& item : items) AppendBytes(message, number, item);
}

}  // namespace

Result<SelfReview> ParseSelfReview(SelfReviewKind kind, std::string_view content_type,
                                   std::string_view body) {
  const std::string_view type = TrimSpace(content_type.substr(0, content_type.find(';')));
  if (EqualsIgnoreCase(type, kProtobufType)) return FromProtobuf(kind, body);
  // kube-apiserver takes a body without a type for JSON; YAML is a superset that clients do not
  // send here.
  if (type.empty() || EqualsIgnoreCase(type, kJsonType)) return FromJson(kind, body);
  return MakeError(ErrorCode::kInvalidArgument,
                   "a " + std::string(KindName(kind)) + " is taken as JSON or protobuf only");
}

bool WantsProtobuf(std::string_view accept) {
  return accept.find(kProtobufType) != std::string_view::npos &&
         accept.find(kJsonType) == std::string_view::npos &&
         accept.find("*/*") == std::string_view::npos;
}

ReviewAnswer AccessAnswer(const SelfReview& review, bool allowed, std::string_view reason,
                          bool protobuf) {
  if (protobuf) {
    std::string status;
    AppendBool(status, 1, allowed);
    AppendBytes(status, 2, reason);
    return ProtobufAnswer(review, kReviewStatus, status);
  }
  return JsonAnswer(review, {{"allowed", allowed}, {"reason", reason}}, {});
}

ReviewAnswer RulesAnswer(const SelfReview& review, const std::vector<ReviewRule>& rules,
                         bool protobuf) {
  json::array resource_rules, path_rules;
  std::string status;
  for (const ReviewRule& rule : rules) {
    std::string message;
    AppendAll(message, 1, rule.verbs);
    if (rule.paths.empty()) {
      AppendAll(message, 2, rule.api_groups);
      AppendAll(message, 3, rule.resources);
      AppendAll(message, 4, rule.names);
      resource_rules.push_back(json::object{{"verbs", ArrayOf(rule.verbs)},
                                            {"apiGroups", ArrayOf(rule.api_groups)},
                                            {"resources", ArrayOf(rule.resources)},
                                            {"resourceNames", ArrayOf(rule.names)}});
    } else {
      AppendAll(message, 2, rule.paths);
      path_rules.push_back(
          json::object{{"verbs", ArrayOf(rule.verbs)}, {"nonResourceURLs", ArrayOf(rule.paths)}});
    }
    AppendBytes(status, rule.paths.empty() ? 1 : 2, message);
  }
  AppendBool(status, 3, true);
  if (protobuf) return ProtobufAnswer(review, kReviewStatus, status);
  return JsonAnswer(review,
                    {{"resourceRules", std::move(resource_rules)},
                     {"nonResourceRules", std::move(path_rules)},
                     {"incomplete", true}},
                    {});
}

ReviewAnswer SubjectAnswer(const SelfReview& review, std::string_view user,
                           const std::vector<std::string>& groups, bool protobuf) {
  if (protobuf) {
    std::string user_message, status;
    AppendBytes(user_message, 1, user);
    AppendAll(user_message, 3, groups);
    AppendBytes(status, 1, user_message);
    return ProtobufAnswer(review, kSubjectStatus, status);
  }
  return JsonAnswer(
      review, {{"userInfo", json::object{{"username", user}, {"groups", ArrayOf(groups)}}}}, {});
}

}  // namespace mk8s::kube
