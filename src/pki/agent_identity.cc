// See agent_identity.h.
#include "pki/agent_identity.h"

#include <charconv>
#include <optional>

#include "base/ids.h"
#include "base/text.h"

namespace mk8s::pki {
namespace {

constexpr std::string_view kPrefix = "mk8s://agent/";
constexpr std::size_t kUriBytesMax = 256;

Error NotAnAgent(std::string reason) {
  return MakeError(ErrorCode::kUnauthenticated, "the client certificate is not an agent's",
                   std::move(reason));
}

// Takes "key=value" off the front of `rest`, with the '&' behind it.
std::optional<std::string_view> Take(std::string_view& rest, std::string_view key) {
  const std::string_view part = rest.substr(0, rest.find('&'));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  if (!part.starts_with(key) || part.substr(key.size(), 1) != "=") return std::nullopt;
  return part.substr(key.size() + 1);
}

std::optional<std::int64_t> Number(std::optional<std::string_view> text) {
  std::int64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool whole = error == std::errc() && end == text->data() + text->size();
  return whole && number >= 0 ? std::optional(number) : std::nullopt;
}

// RFC 1123 label: what a cluster's name is.
bool IsLabel(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
}

}  // namespace

std::string AgentUri(const AgentIdentity& identity) {
  return std::string(kPrefix) + identity.cluster_id +
         "?generation=" + std::to_string(identity.token_generation) +
         "&epoch=" + std::to_string(identity.epoch) + "&name=" + identity.cluster_name;
}

Result<AgentIdentity> ParseAgentUri(std::string_view uri) {
  if (uri.size() > kUriBytesMax || !uri.starts_with(kPrefix)) return NotAnAgent("another URI name");
  uri.remove_prefix(kPrefix.size());
  const std::size_t query = uri.find('?');
  if (query == uri.npos) return NotAnAgent("URI name without a query");
  AgentIdentity identity;
  identity.cluster_id = uri.substr(0, query);
  std::string_view rest = uri.substr(query + 1);
  const auto generation = Number(Take(rest, "generation"));
  const auto epoch = Number(Take(rest, "epoch"));
  const auto name = Take(rest, "name");
  if (!IsUuid(identity.cluster_id) || !generation || !epoch || !name || !IsLabel(*name) ||
      !rest.empty()) {
    return NotAnAgent("malformed URI name");
  }
  identity.token_generation = *generation;
  identity.epoch = *epoch;
  identity.cluster_name = *name;
  return identity;
}

Result<AgentIdentity> ParseAgentIdentity(std::span<const std::string> uris) {
  if (uris.size() != 1) return NotAnAgent("not exactly one URI name");
  return ParseAgentUri(uris.front());
}

}  // namespace mk8s::pki
