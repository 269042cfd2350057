// See status.h.
#include "kube/status.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/error_mapping.h"
#include "base/text.h"

namespace mk8s::kube {
namespace {

// JSON is UTF-8; names from outside may not be.
std::string Clean(std::string_view text) {
  return IsUtf8(text) ? std::string(text) : Printable(text);
}

// Like kube-apiserver: nothing that a browser could take for HTML.  Quotes are fine.
std::string WithoutMarkup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string ResourceName(const Attributes& attributes) {
  if (attributes.subresource.empty()) return attributes.resource;
  return attributes.resource + "/" + attributes.subresource;
}

std::string CannotSentence(std::string_view user, const Attributes& attributes) {
  std::string out = "User " + Quote(user) + " cannot " + attributes.verb;
  if (!attributes.is_resource) return out + " path " + Quote(attributes.path);
  out += " resource " + Quote(ResourceName(attributes));
  out += " in API group " + Quote(attributes.api_group);
  if (attributes.namespace_.empty()) return out + " at the cluster scope";
  return out + " in the namespace " + Quote(attributes.namespace_);
}

std::string WhoMayGrant(const std::vector<std::string>& roles) {
  if (roles.empty()) return "no role allows it; ask an mk8s administrator";
  std::string out = roles.size() == 1 ? "role " : "any of the roles ";
  constexpr std::size_t kNamedMax = 5;  // a sentence, not a listing
  for (std::size_t i = 0; i < roles.size() && i < kNamedMax; ++i) {
    if (i > 0) out += ", ";
    out += roles[i];
  }
  if (roles.size() > kNamedMax) out += ", ...";
  return out + " would allow it; ask an mk8s administrator";
}

}  // namespace

StatusDetails DetailsOf(const Attributes& attributes) {
  if (!attributes.is_resource) return {};
  return {.name = attributes.name, .group = attributes.api_group, .kind = attributes.resource};
}

std::string StatusJson(const Error& error, const StatusDetails& details) {
  boost::json::object about;
  if (!details.name.empty()) about["name"] = Clean(details.name);
  if (!details.group.empty()) about["group"] = Clean(details.group);
  if (!details.kind.empty()) about["kind"] = Clean(details.kind);
  if (details.retry_after) about["retryAfterSeconds"] = details.retry_after->count();
  boost::json::object status{
      {"kind", "Status"},
      {"apiVersion", "v1"},
      {"metadata", boost::json::object()},
      {"status", "Failure"},
      {"message", Clean(error.message)},
      {"reason", KubeStatusReason(error.code)},
  };
  if (!about.empty()) status["details"] = std::move(about);
  status["code"] = HttpStatus(error.code);
  return boost::json::serialize(status) + "\n";
}

http::Fields StatusFields(const Error& error, const StatusDetails& details) {
  http::Fields fields{{"content-type", "application/json"},
                      {"cache-control", "no-store"},
                      {"x-content-type-options", "nosniff"}};
  if (error.code == ErrorCode::kUnauthenticated) {
    fields.Set("www-authenticate", "Bearer realm=\"mk8s\"");
  }
  if (details.retry_after) fields.Set("retry-after", std::to_string(details.retry_after->count()));
  return fields;
}

Error Forbidden(std::string_view user, const Attributes& attributes, std::string_view reason,
                const std::vector<std::string>& allowing_roles) {
  std::string message;
  if (!attributes.is_resource) {
    message = "forbidden: ";
  } else {
    message = attributes.resource;
    if (!attributes.api_group.empty()) message += "." + attributes.api_group;
    if (!attributes.name.empty()) message += " " + Quote(attributes.name);
    message += " is forbidden: ";
  }
  message += WithoutMarkup(CannotSentence(user, attributes)) + ": ";
  if (!reason.empty()) message += std::string(reason) + "; ";
  return MakeError(ErrorCode::kPermissionDenied, message + WhoMayGrant(allowing_roles));
}

std::string Quote(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return '"' + Printable(escaped) + '"';
}

}  // namespace mk8s::kube
