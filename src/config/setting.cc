// See setting.h.
#include "config/setting.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/text.h"

namespace mk8s::config {
namespace {

constexpr std::string_view kMasked = "\"[secret]\"";

Error Bad(std::string_view text, const std::string& wanted) {
  return MakeError(ErrorCode::kInvalidArgument, "\"" + Printable(text, 80) + "\" is not " + wanted);
}

std::string Quoted(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_./:@+") == text.npos;
  return plain ? text : log::JsonString(text);
}

Result<long long> ParseNumber(std::string_view text, long long min, long long max,
                              const char* what) {
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < min || number > max) {
    return Bad(text,
               std::string(what) + " from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return number;
}

// "24h" rather than FormatDuration's "1d": what ParseDuration reads, in the largest unit that is
// whole.
std::string DurationText(std::chrono::milliseconds duration) {
  const long long total_ms = duration.count();
  constexpr std::pair<long long, const char*> units[] = {
      {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}};
  for (const auto& [unit_ms, name] : units) {
    if (total_ms % unit_ms == 0) return std::to_string(total_ms / unit_ms) + name;
  }
  return {};
}

// "postgres://user:[secret]@host/db"; a password in the query is masked with the whole query.
std::string MaskedUrl(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (url.starts_with("sqlite:")) return Quoted(url);
  if (scheme == url.npos) return std::string(kMasked);  // libpq's "key=value" form
  const std::size_t authority = scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?", authority), url.size());
  const std::size_t at = url.rfind('@', end);
  std::string masked = url.substr(0, authority);
  if (at != url.npos && at >= authority) {
    const std::string user = url.substr(authority, at - authority);
    masked += user.substr(0, user.find(':')) + ":[secret]@";
    masked += url.substr(at + 1, url.find('?') - at - 1);
  } else {
    masked += url.substr(authority, url.find('?') - authority);
  }
  return Quoted(masked);
}

}  // namespace

std::string EnvironmentName(std::string_view key) {
  std::string name = "MK8S_";
  for (char c : key) {
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string Render(const std::vector<Setting>& settings, bool as_example) {
  std::string out;
  std::string_view section;
  for (const Setting& setting : settings) {
    const std::size_t dot = setting.key.find('.');
    if (setting.key.substr(0, dot) != section) {
      section = setting.key.substr(0, dot);
      if (as_example) out += '\n';
      out.append(section).append(":\n");
    }
    if (as_example) {
      for (std::string_view line : Split(setting.doc, '\n')) {
        out.append("  # ").append(line).append("\n");
      }
    }
    const bool use_example = as_example && !setting.example.empty();
    out.append("  ").append(setting.key.substr(dot + 1)).append(": ");
    out.append(use_example ? std::string(setting.example) : setting.show()).append("\n");
  }
  return out;
}

Setting Text(std::string_view key, std::string& member, std::string_view doc,
             std::string_view example) {
  return {key,
          doc,
          example,
          false,
          [&member](std::string_view text) {
            member = text;
            return Result<void>();
          },
          [&member] { return Quoted(member); }};
}

Setting TextList(std::string_view key, std::vector<std::string>& member, std::string_view doc) {
  return {key,
          doc,
          {},
          true,
          [&member](std::string_view text) {
            member.clear();
            for (std::string_view item : Split(text, ',')) {
              if (!TrimSpace(item).empty()) member.emplace_back(TrimSpace(item));
            }
            return Result<void>();
          },
          [&member] {
            std::string out = "[";
            for (const std::string& item : member) {
              if (out.size() > 1) out += ", ";
              out += log::JsonString(item);
            }
            return out + "]";
          }};
}

Setting SecretText(std::string_view key, Secret& member, std::string_view doc,
                   std::string_view example) {
  return {key,
          doc,
          example,
          false,
          [&member](std::string_view text) {
            member = Secret(std::string(text));
            return Result<void>();
          },
          [&member] { return std::string(member.empty() ? "\"\"" : kMasked); }};
}

Setting SecretUrl(std::string_view key, Secret& member, std::string_view doc,
                  std::string_view example) {
  Setting setting = SecretText(key, member, doc, example);
  setting.show = [&member] { return member.empty() ? "\"\"" : MaskedUrl(member.Reveal()); };
  return setting;
}

Setting Port(std::string_view key, std::uint16_t& member, std::string_view doc) {
  return {key,
          doc,
          {},
          false,
          [&member](std::string_view text) -> Result<void> {
            MK8S_ASSIGN_OR_RETURN(const long long port, ParseNumber(text, 0, 65'535, "a port"));
            member = static_cast<std::uint16_t>(port);
            return {};
          },
          [&member] { return std::to_string(member); }};
}

Setting Number(std::string_view key, int& member, int min, int max, std::string_view doc) {
  return {key,
          doc,
          {},
          false,
          [&member, min, max](std::string_view text) -> Result<void> {
            MK8S_ASSIGN_OR_RETURN(const long long number,
                                  ParseNumber(text, min, max, "a whole number"));
            member = static_cast<int>(number);
            return {};
          },
          [&member] { return std::to_string(member); }};
}

Setting Flag(std::string_view key, bool& member, std::string_view doc) {
  return {key,
          doc,
          {},
          false,
          [&member](std::string_view text) -> Result<void> {
            if (text != "true" && text != "false") return Bad(text, "true or false");
            member = text == "true";
            return {};
          },
          [&member] { return std::string(member ? "true" : "false"); }};
}

Setting Duration(std::string_view key, std::chrono::milliseconds& member,
                 std::chrono::milliseconds min, std::chrono::milliseconds max,
                 std::string_view doc) {
  return {key,
          doc,
          {},
          false,
          [&member, min, max](std::string_view text) -> Result<void> {
            const auto duration = ParseDuration(text);
            if (!duration || *duration < min || *duration > max) {
              return Bad(text, "a duration from " + DurationText(min) + " to " + DurationText(max) +
                                   ", such as 15m, 24h or 7d");
            }
            member = *duration;
            return {};
          },
          [&member] { return DurationText(member); }};
}

Setting LogLevel(std::string_view key, log::Level& member, std::string_view doc) {
  return Choice(
      key, {"debug", "info", "warn", "error"},
      [&member](std::size_t index) { member = static_cast<log::Level>(index); },
      [&member] { return static_cast<std::size_t>(member); }, doc);
}

Setting Choice(std::string_view key, std::vector<std::string_view> words,
               std::function<void(std::size_t)> set, std::function<std::size_t()> index,
               std::string_view doc) {
  return {key,
          doc,
          {},
          false,
          [words, set = std::move(set)](std::string_view text) -> Result<void> {
            const auto found = std::find(words.begin(), words.end(), text);
            if (found != words.end()) {
              set(static_cast<std::size_t>(found - words.begin()));
              return {};
            }
            std::string wanted = "one of ";
            for (std::string_view word : words) {
              wanted.append(word == words.front() ? "" : ", ").append(word);
            }
            return Bad(text, wanted);
          },
          [words, index = std::move(index)] { return std::string(words[index()]); }};
}

}  // namespace mk8s::config
