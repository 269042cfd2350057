// See role_resources.h.
#include "auth/role_resources.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace mk8s::auth {
namespace {

constexpr std::string_view kCoreGroup = "core";  // "" cannot be written

bool HasWildcard(std::string_view text) { return text.find_first_of("*?") != text.npos; }

bool IsBuiltInGroup(std::string_view group) {
  const auto all = BuiltInResources();
  return !group.empty() && std::any_of(all.begin(), all.end(),
                                       [group](const auto& known) { return known.group == group; });
}

// Splits "resource.group"; group is empty if there is no dot.
std::pair<std::string_view, std::string_view> SplitGroup(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return {text, {}};
  return {text.substr(0, dot), text.substr(dot + 1)};
}

// "a/b" is group/resource or resource/subresource; true for the former.  A name without a dot that
// is no built-in group is a resource, a dotted one a group unless it spells resource.group with a
// built-in group or is followed by a subresource that any resource may have.
bool IsGroupAndResource(std::string_view first, std::string_view second) {
  if (first == kCoreGroup || IsBuiltInGroup(first)) return true;
  if (first.find('.') == first.npos) return false;
  if (IsBuiltInGroup(SplitGroup(first).second)) return false;
  return second != "status" && second != "scale";
}

std::string NoSuchResource(std::string_view written) {
  std::vector<std::string_view> names;
  std::string_view meant;
  for (const BuiltInResource& known : BuiltInResources()) {
    names.push_back(known.name);
    if (known.short_name == written) meant = known.name;
  }
  if (meant.empty()) meant = Nearest(ToLower(written), names);
  std::string out = "Kubernetes has no resource \"" + Printable(written, 80) + "\" of its own; ";
  if (!meant.empty()) return out + "did you mean \"" + std::string(meant) + "\"?";
  return out + "name a custom one with its group: \"" + Printable(written, 80) + ".example.com\"";
}

Result<std::vector<ResourcePattern>> Bare(std::string_view name) {
  std::vector<ResourcePattern> patterns;
  const bool wild = HasWildcard(name);
  for (const BuiltInResource& known : BuiltInResources()) {
    if (!GlobMatch(name, known.name)) continue;
    patterns.push_back(
        {.group = std::string(known.group), .resource = std::string(known.name), .named = !wild});
  }
  if (patterns.empty()) return MakeError(ErrorCode::kInvalidArgument, NoSuchResource(name));
  return patterns;
}

Result<std::vector<ResourcePattern>> WithoutSubresource(std::string_view text) {
  if (text == "*") return std::vector<ResourcePattern>{{.group = "*", .resource = "*"}};
  const auto [name, group] = SplitGroup(text);
  if (group.empty()) return Bare(text);
  return std::vector<ResourcePattern>{
      {.group = std::string(group), .resource = std::string(name), .named = !HasWildcard(text)}};
}

Result<std::vector<ResourcePattern>> WithSubresource(std::string_view resource,
                                                     std::string_view subresource) {
  MK8S_ASSIGN_OR_RETURN(std::vector<ResourcePattern> patterns, WithoutSubresource(resource));
  for (ResourcePattern& pattern : patterns) {
    pattern.subresource = subresource;
    pattern.has_subresource = true;
    pattern.named = pattern.named && !HasWildcard(subresource);
  }
  return patterns;
}

// Levenshtein's distance, with a swap of neighbours as one step.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

bool ResourcePattern::MatchesResource(std::string_view api_group, std::string_view name) const {
  return GlobMatch(resource, name) && GlobMatch(group, api_group);
}

Result<std::vector<ResourcePattern>> ParseResource(std::string_view written) {
  if (written.starts_with('/')) {
    return std::vector<ResourcePattern>{
        {.named = !HasWildcard(written), .path = std::string(written)}};
  }
  const std::vector<std::string_view> pieces = Split(written, '/');
  for (const std::string_view piece : pieces) {
    if (piece.empty()) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "resource \"" + Printable(written, 80) + "\" has an empty part");
    }
  }
  if (pieces.size() == 1) return WithoutSubresource(written);
  if (pieces.size() > 3) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "resource \"" + Printable(written, 80) + "\" has more than three parts");
  }
  const bool grouped = pieces.size() == 3 || IsGroupAndResource(pieces[0], pieces[1]);
  if (!grouped) return WithSubresource(pieces[0], pieces[1]);
  ResourcePattern pattern{.group = std::string(pieces[0] == kCoreGroup ? "" : pieces[0]),
                          .resource = std::string(pieces[1])};
  pattern.has_subresource = pieces.size() == 3;
  if (pattern.has_subresource) pattern.subresource = pieces[2];
  pattern.named = !HasWildcard(written);
  return std::vector<ResourcePattern>{std::move(pattern)};
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kWordBytesMax = 64;  // the distance is quadratic
  if (word.size() > kWordBytesMax) return {};
  std::string_view best;
  std::size_t best_distance = 3;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = Distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace mk8s::auth
