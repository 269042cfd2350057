// See attributes.h.
#include "kube/attributes.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/text.h"

namespace mk8s::kube {
namespace {

constexpr std::string_view kMethods[][2] = {{"GET", "get"},     {"HEAD", "get"},
                                            {"POST", "create"}, {"PUT", "update"},
                                            {"PATCH", "patch"}, {"DELETE", "delete"}};

Error Unsupported(std::string why) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(why));
}

// A parameter that kube-apiserver reads as an int64 and that is not one: it then ignores every list
// option but `watch`, and refuses the list a little later.
bool HasBadNumber(const Target& target, std::string_view key) {
  const std::optional<std::string_view> value = target.Query(key);
  if (!value) return false;
  std::string_view digits = *value;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return failure != std::errc() || end != digits.data() + digits.size();
}

// content.IsPathSegmentName of apimachinery/pkg/api/validate.
bool IsPathSegmentName(std::string_view name) {
  return name != "." && name != ".." && name.find_first_of("/%") == std::string_view::npos;
}

struct Term {
  std::string_view field;
  std::string_view value;  // still escaped
  bool equal = false;
};

std::vector<std::string_view> SplitTerms(std::string_view selector) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= selector.size(); ++i) {
    if (i < selector.size() && selector[i] == '\\') {
      ++i;
    } else if (i >= selector.size() || selector[i] == ',') {
      if (i > start) terms.push_back(selector.substr(start, i - start));
      start = i + 1;
    }
  }
  if (start < selector.size()) terms.push_back(selector.substr(start));
  return terms;
}

std::optional<Term> ParseTerm(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("!=")) return Term{text.substr(0, i), rest.substr(2), false};
    if (rest.starts_with("==")) return Term{text.substr(0, i), rest.substr(2), true};
    if (rest.starts_with("=")) return Term{text.substr(0, i), rest.substr(1), true};
  }
  return std::nullopt;
}

std::optional<std::string> UnescapeValue(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ',' || c == '=') return std::nullopt;
    if (c == '\\') {
      if (++i == text.size()) return std::nullopt;
      c = text[i];
      if (c != '\\' && c != ',' && c != '=') return std::nullopt;
    }
    value += c;
  }
  return value;
}

void ReadListOptions(const Target& target, Attributes& attributes) {
  attributes.verb = target.QueryFlag("watch") ? "watch" : "list";
  if (target.query().empty()) return;
  const std::string_view selector = target.Query("fieldSelector").value_or("");
  if (selector.empty() || HasBadNumber(target, "limit") || HasBadNumber(target, "timeoutSeconds")) {
    return;
  }
  std::string name = NameFromFieldSelector(selector);
  if (IsPathSegmentName(name)) attributes.name = std::move(name);
}

void ReadParts(const Target& target, Attributes& attributes) {
  const PathLayout& layout = target.layout();
  attributes.is_resource = true;
  attributes.api_prefix = target.segment(0);
  if (layout.version == 2) attributes.api_group = target.segment(1);
  attributes.api_version = target.segment(layout.version);
  if (layout.scope) attributes.namespace_ = target.segment(*layout.scope);
  attributes.resource = target.segment(layout.resource);
  const std::size_t parts = target.segment_count() - layout.resource;
  if (parts >= 2) attributes.name = target.segment(layout.resource + 1);
  if (parts >= 3) attributes.subresource = target.segment(layout.resource + 2);
}

}  // namespace

std::string NameFromFieldSelector(std::string_view selector) {
  std::vector<std::string_view> texts = SplitTerms(selector);
  std::sort(texts.begin(), texts.end());  // as upstream, so that the same one of two names wins
  std::optional<std::string> name;
  for (const std::string_view text : texts) {
    const std::optional<Term> term = ParseTerm(text);
    if (!term) return {};
    std::optional<std::string> value = UnescapeValue(term->value);
    if (!value) return {};
    if (!name && term->equal && term->field == "metadata.name") name = std::move(value);
  }
  return name.value_or("");
}

Result<Attributes> RequestAttributes(std::string_view method, const Target& target) {
  const auto* known = std::find_if(std::begin(kMethods), std::end(kMethods),
                                   [method](const auto& row) { return row[0] == method; });
  if (known == std::end(kMethods)) {
    return Unsupported("method " + Printable(method, 32) +
                       " is not supported; the Kubernetes API has GET HEAD POST PUT PATCH DELETE");
  }
  Attributes attributes;
  attributes.path = target.path();
  attributes.path += target.proxy_tail();
  const PathLayout& layout = target.layout();
  if (!layout.is_resource) {
    attributes.verb = ToLower(method);
    return attributes;
  }
  if (layout.proxy_prefix) {
    return Unsupported("the proxy/ prefix is not supported; use .../RESOURCE/NAME/proxy/PATH");
  }
  if (layout.watch_prefix && method != "GET") {
    return Unsupported("only GET is supported under the watch/ prefix");
  }
  if (layout.resource >= target.segment_count()) {
    return Unsupported("the watch/ prefix names no resource");
  }
  ReadParts(target, attributes);
  attributes.verb = layout.watch_prefix ? "watch" : (*known)[1];
  if (attributes.name.empty() && attributes.verb == "get") ReadListOptions(target, attributes);
  if (attributes.name.empty() && attributes.verb == "delete") attributes.verb = "deletecollection";
  return attributes;
}

}  // namespace mk8s::kube
