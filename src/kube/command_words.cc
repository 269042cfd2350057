// See command_words.h.
#include "kube/command_words.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "base/text.h"
#include "kube/kubectl_line.h"

namespace mk8s::kube {
namespace {

constexpr std::string_view kMask = "***";

// kubectl's flags whose whole value is a secret.
constexpr std::string_view kSecretFlags[] = {"token", "password", "docker-password",
                                             "auth-provider-arg", "exec-env"};
// Flags whose value is KEY=VALUE: the key may be seen.
constexpr std::string_view kPairFlags[] = {"from-literal", "env"};
// Flags whose value is an object's body: hidden when the object is a Secret.
constexpr std::string_view kBodyFlags[] = {"patch", "overrides"};
// A name with one of these in it names a secret.
constexpr std::string_view kSecretNames[] = {
    "password",    "passwd",      "passphrase", "secret",     "token",
    "apikey",      "api-key",     "api_key",    "credential", "privatekey",
    "private-key", "private_key", "accesskey",  "access-key", "access_key"};

// Names of which a separate next word is the value, whoever's flag it is.
constexpr std::string_view kPasswordNames[] = {"password", "passwd", "passphrase"};

template <typename List>
bool Contains(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

template <typename List>
bool HasAny(std::string_view name, const List& words) {
  const std::string lower = ToLower(name);
  return std::any_of(std::begin(words), std::end(words),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

bool NamesSecret(std::string_view name) { return HasAny(name, kSecretNames); }

std::string MaskPair(std::string_view pair) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return std::string(kMask);
  return std::string(pair.substr(0, equals + 1)) + std::string(kMask);
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// Hides the values in name=value, name: value and "name": "value" anywhere in a text.  A value ends
// at its closing quote, or at a space, comma, semicolon, ampersand or closing bracket.
std::string MaskNamedValues(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t name_end = at;
    while (name_end < text.size() && IsNameByte(text[name_end])) ++name_end;
    const std::string_view name = text.substr(at, name_end - at);
    out += name;
    at = name_end;
    if (at == text.size()) break;
    if (name.empty() || !NamesSecret(name)) {
      out += text[at++];
      continue;
    }
    // name ["] [space] (= or :) [space] ["] value
    std::size_t value = at;
    const auto skip = [&](std::string_view any) {
      while (value < text.size() && any.find(text[value]) != std::string_view::npos) ++value;
    };
    skip("\\\"' ");
    const bool separator = value < text.size() && (text[value] == '=' || text[value] == ':');
    if (!separator) continue;
    ++value;
    skip(" \\");
    const char quote =
        value < text.size() && (text[value] == '"' || text[value] == '\'') ? text[value++] : '\0';
    const std::string_view ends = quote == '"' ? "\"\\" : quote == '\'' ? "'" : " ,;&)]}\"'\n";
    const std::size_t end = std::min(text.find_first_of(ends, value), text.size());
    out += text.substr(at, value - at);
    if (end > value) out += kMask;
    at = end;
  }
  return out;
}

// "Bearer x", "Basic x", JWTs, and the password of scheme://user:password@host.
std::string MaskCredentials(std::string text) {
  for (const std::string_view scheme : {"Bearer ", "bearer ", "Basic ", "basic "}) {
    for (std::size_t at = text.find(scheme); at != std::string::npos;
         at = text.find(scheme, at + scheme.size())) {
      const std::size_t start = at + scheme.size();
      const std::size_t end = std::min(text.find_first_of(" \"',", start), text.size());
      text.replace(start, end - start, kMask);
    }
  }
  for (std::size_t at = text.find("eyJ"); at != std::string::npos; at = text.find("eyJ", at + 3)) {
    const std::size_t end = std::min(text.find_first_of(" \"',;&}", at), text.size());
    const std::string_view candidate = std::string_view(text).substr(at, end - at);
    if (std::count(candidate.begin(), candidate.end(), '.') == 2) {
      text.replace(at, end - at, kMask);
    }
  }
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const std::size_t end = std::min(text.find_first_of("/?# ", at + 3), text.size());
    const std::size_t host = text.rfind('@', end - 1);
    const std::size_t colon = text.find(':', at + 3);
    if (host == std::string::npos || host <= at + 3 || colon >= host) continue;
    text.replace(colon + 1, host - colon - 1, kMask);
  }
  return text;
}

std::string MaskAnywhere(std::string_view text) { return MaskCredentials(MaskNamedValues(text)); }

// Flags' values count too: the flag may be one that stands alone and is not known here.
bool NamesSecrets(std::span<const std::string> arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& word) {
    const std::string_view kind = Split(Split(word, '/')[0], '.')[0];
    return EqualsIgnoreCase(kind, "secret") || EqualsIgnoreCase(kind, "secrets");
  });
}

// Nothing: the value is no secret as such.
std::optional<std::string> MaskFlagValue(std::string_view flag, std::string_view value,
                                         bool about_secrets) {
  if (Contains(kPairFlags, flag)) return MaskPair(value);
  if (Contains(kSecretFlags, flag) || (Contains(kBodyFlags, flag) && about_secrets) ||
      (flag.size() > 1 && NamesSecret(flag))) {
    return std::string(kMask);
  }
  return std::nullopt;
}

// Behind "--", and of plugins: a flag of somebody else's whose next word is a password.
bool IsPasswordFlag(std::string_view word) {
  return word.starts_with("--") && word.find('=') == word.npos && HasAny(word, kPasswordNames);
}

std::string Quote(const std::string& word) {
  constexpr std::string_view kSafe = "-_./=:,@%+*";
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
    return IsNameByte(c) || kSafe.find(c) != std::string_view::npos;
  });
  if (plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::vector<std::string> MaskSecrets(const std::vector<std::string>& arguments) {
  const KubectlLine line = ReadKubectlLine(arguments);
  std::vector<std::string> masked;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool is_password = i > 0 && IsPasswordFlag(arguments[i - 1]) && arguments[i][0] != '-';
    masked.push_back(is_password ? std::string(kMask) : MaskAnywhere(arguments[i]));
  }
  if (line.Word(0) == "set" && line.Word(1) == "env") {
    for (const std::size_t at : line.words) {
      if (arguments[at].find('=') != std::string::npos) masked[at] = MaskPair(arguments[at]);
    }
  }
  const bool about_secrets = NamesSecrets(arguments);
  for (const KubectlFlag& flag : line.flags) {
    if (!flag.value) continue;
    const auto value = MaskFlagValue(flag.name, line.ValueOf(flag), about_secrets);
    const auto [at, begin] = *flag.value;
    if (value) masked[at] = arguments[at].substr(0, begin) + *value;
  }
  return masked;
}

std::string CommandWords(const std::vector<std::string>& arguments) {
  std::string line = "kubectl";
  for (const std::string& word : MaskSecrets(arguments)) line += " " + Quote(word);
  // Control bytes are escaped and the length is bound here; "..." must fit in it, too.
  return Printable(line, limits::kCommandWordsBytesMax - 3);
}

}  // namespace mk8s::kube
