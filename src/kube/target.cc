// See target.h.
#include "kube/target.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace mk8s::kube {
namespace {

Error Malformed(std::string_view why) {
  return MakeError(ErrorCode::kInvalidArgument,
                   "the request's path or query is not acceptable: " + std::string(why));
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsUnreserved(char c) {  // RFC 3986 section 2.3
  return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

bool IsSegmentByte(char c) {  // pchar of RFC 3986 section 3.3, less ';'
  return IsUnreserved(c) || std::string_view("!$&'()*+,=:@").find(c) != std::string_view::npos;
}

void AppendEscaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// Appends `text` decoded once; false on a bad escape.
bool Unescape(std::string_view text, bool plus_is_space, std::string& out) {
  std::size_t i = 0;
  while (i < text.size() && text[i] != '%' && !(plus_is_space && text[i] == '+')) ++i;
  out += text.substr(0, i);  // nearly always all of it
  for (; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return true;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// A decoded segment that could be read as something else by the next parser; nullptr if sound.
const char* SegmentHazard(std::string_view segment) {
  if (segment.empty()) return "it has an empty segment";
  if (segment == "." || segment == "..") return "it has a '.' or '..' segment";
  bool ascii = true;
  for (const char c : segment) {
    if (IsControl(c)) return "it has a control byte";
    if (c == '/' || c == '\\' || c == '%' || c == '#' || c == ';') {
      return "a segment holds one of / \\ % # ;";
    }
    ascii &= static_cast<unsigned char>(c) < 0x80;
  }
  return ascii || IsUtf8(segment) ? nullptr : "it is not UTF-8";
}

}  // namespace

// The steps of Target::Parse, in order.
class TargetParser {
 public:
  explicit TargetParser(std::string_view raw) {
    const std::size_t question = raw.find('?');
    raw_path_ = raw.substr(0, question);
    if (question != std::string_view::npos) raw_query_ = raw.substr(question + 1);
  }

  Result<Target> Run() {
    MK8S_RETURN_IF_ERROR(ParsePath());
    MK8S_RETURN_IF_ERROR(ParseQuery());
    return std::move(target_);
  }

 private:
  Result<void> ParsePath() {
    if (raw_path_.empty()) return {};
    if (raw_path_[0] != '/') return Malformed("it does not begin with '/'");
    target_.path_.clear();
    target_.path_.reserve(raw_path_.size());
    target_.ends_.reserve(10);
    std::string_view rest = raw_path_.substr(1);
    while (!rest.empty()) {
      const std::size_t slash = rest.find('/');
      MK8S_RETURN_IF_ERROR(AppendSegment(rest.substr(0, slash)));
      rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
      if (LastSegmentIsProxy()) return TakeProxyTail(rest);
      if (!rest.empty()) rest.remove_prefix(1);
    }
    target_.layout_ = Layout();
    // kube-apiserver trims the outer slashes of a resource path; elsewhere they tell paths apart.
    const bool slash_at_end = raw_path_.back() == '/';
    if (slash_at_end && !target_.layout_.is_resource) target_.path_ += '/';
    return {};
  }

  Result<void> AppendSegment(std::string_view raw) {
    target_.path_ += '/';
    const std::size_t start = target_.path_.size();
    if (!Unescape(raw, false, target_.path_)) return Malformed("it has a bad %-escape");
    const char* hazard = SegmentHazard(std::string_view(target_.path_).substr(start));
    if (hazard != nullptr) return Malformed(hazard);
    target_.ends_.push_back(static_cast<std::uint32_t>(target_.path_.size()));
    return {};
  }

  bool LastSegmentIsProxy() {
    const std::size_t last = target_.segment_count() - 1;
    if (last < 4 || target_.segment(last) != "proxy") return false;
    const PathLayout layout = Layout();
    if (!layout.is_resource || layout.proxy_prefix || last != layout.resource + 2) return false;
    target_.layout_ = layout;
    return true;
  }

  // The tail belongs to the program behind the proxy, so its encoding is kept; but kube-apiserver
  // joins it with path.Join, which would climb over "..".
  Result<void> TakeProxyTail(std::string_view raw) {
    std::string decoded;
    if (!Unescape(raw, false, decoded)) return Malformed("it has a bad %-escape");
    if (std::any_of(decoded.begin(), decoded.end(), IsControl)) {
      return Malformed("it has a control byte");
    }
    if (!IsUtf8(decoded)) return Malformed("it is not UTF-8");
    std::replace(decoded.begin(), decoded.end(), '\\', '/');
    for (const std::string_view segment : Split(decoded, '/')) {
      if (segment == "..") return Malformed("it has a '..' segment");
    }
    for (const char c : raw) {
      if (IsSegmentByte(c) || c == '/' || c == '%' || c == ';') {
        target_.proxy_tail_ += c;
      } else {
        AppendEscaped(target_.proxy_tail_, c);
      }
    }
    return {};
  }

  // As RequestInfoFactory.NewRequestInfo cuts the path.
  PathLayout Layout() const {
    PathLayout layout;
    const std::size_t count = target_.segment_count();
    if (count < 3) return layout;
    const bool grouped = target_.segment(0) == "apis";
    if (!grouped && target_.segment(0) != "api") return layout;
    if (grouped && count < 4) return layout;
    layout.is_resource = true;
    layout.version = grouped ? 2 : 1;
    std::size_t i = layout.version + 1;
    layout.watch_prefix = target_.segment(i) == "watch";
    layout.proxy_prefix = target_.segment(i) == "proxy";
    if (layout.watch_prefix || layout.proxy_prefix) ++i;
    if (i + 1 < count && target_.segment(i) == "namespaces") {
      layout.scope = i + 1;
      const bool subresource = i + 2 < count && (target_.segment(i + 2) == "status" ||
                                                 target_.segment(i + 2) == "finalize");
      if (i + 2 < count && !subresource) i += 2;
    }
    layout.resource = i;
    return layout;
  }

  // As url.ParseQuery, but what that drops is refused.
  Result<void> ParseQuery() {
    std::string_view rest = raw_query_;
    if (!rest.empty()) target_.query_.reserve(8);  // kubectl's longest but for commands
    while (!rest.empty()) {
      const std::size_t ampersand = rest.find('&');
      const std::string_view piece = rest.substr(0, ampersand);
      rest = ampersand == std::string_view::npos ? std::string_view() : rest.substr(ampersand + 1);
      if (piece.empty()) continue;
      if (piece.find(';') != std::string_view::npos) return Malformed("its query holds a ';'");
      const std::size_t equals = piece.find('=');
      Target::QueryPair pair;
      pair.has_equals = equals != std::string_view::npos;
      const bool sound = Unescape(piece.substr(0, equals), true, pair.key) &&
                         (!pair.has_equals || Unescape(piece.substr(equals + 1), true, pair.value));
      if (!sound) return Malformed("its query has a bad %-escape");
      target_.query_.push_back(std::move(pair));
    }
    return {};
  }

  std::string_view raw_path_;
  std::string_view raw_query_;
  Target target_;
};

Result<Target> Target::Parse(std::string_view raw) {
  if (raw.size() > limits::kTargetBytesMax) {
    return MakeError(ErrorCode::kUriTooLong, "the request's path and query are longer than " +
                                                 std::to_string(limits::kTargetBytesMax) +
                                                 " bytes");
  }
  for (const char c : raw) {
    if (IsControl(c) || c == ' ' || c == '#') {
      return Malformed("it has a raw control byte, space or '#'");
    }
  }
  return TargetParser(raw).Run();
}

std::string_view Target::segment(std::size_t index) const {
  const std::size_t start = index == 0 ? 1 : ends_[index - 1] + 1;
  return std::string_view(path_).substr(start, ends_[index] - start);
}

std::optional<std::string_view> Target::Query(std::string_view key) const {
  for (const QueryPair& pair : query_) {
    if (pair.key == key) return pair.value;
  }
  return std::nullopt;
}

bool Target::QueryFlag(std::string_view key) const {
  const std::optional<std::string_view> value = Query(key);
  return value && *value != "0" && !EqualsIgnoreCase(*value, "false");
}

std::string Target::Serialize() const {
  std::string out;
  out.reserve(path_.size() + proxy_tail_.size() + 64);
  for (const char c : path_) {
    if (IsSegmentByte(c) || c == '/') {
      out += c;
    } else {
      AppendEscaped(out, c);
    }
  }
  out += proxy_tail_;
  const auto append = [&out](std::string_view text) {
    for (const char c : text) {
      if (IsUnreserved(c)) {
        out += c;
      } else {
        AppendEscaped(out, c);
      }
    }
  };
  char separator = '?';
  for (const QueryPair& pair : query_) {
    out += separator;
    separator = '&';
    append(pair.key);
    if (pair.has_equals) out += '=';
    append(pair.value);
  }
  return out;
}

bool Target::operator==(const Target& other) const {
  return path_ == other.path_ && ends_ == other.ends_ && proxy_tail_ == other.proxy_tail_ &&
         query_ == other.query_;
}

}  // namespace mk8s::kube
