// See documents.h; PrettyJson and JsonToYaml of output.h are these on text.
#include "cli/documents.h"

#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"
#include "base/yaml_depth.h"
#include "cli/output.h"

namespace mk8s::cli {
namespace {

namespace json = boost::json;

// A kubeconfig of a thousand clusters has some 20,000.
constexpr std::size_t kNodesMax = 200'000;

// A longer key must say that it is one (YAML 1.2 section 7.4, "implicit keys"); in bytes as written
// it is never more than readers count in characters.
constexpr std::size_t kImplicitKeyBytesMax = 1024;

// Plain in YAML only what no reader, of YAML 1.1 or 1.2, could take for a number, a boolean, a
// date or syntax.
bool IsPlainString(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || text.back() == ' ' || (!letter(text[0]) && text[0] != '/')) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool allowed = letter(c) || (c >= '0' && c <= '9') ||
                         std::string_view("-_./@+= ").find(c) != std::string_view::npos;
    // A colon is syntax only before a space or the end.
    const bool inner_colon = c == ':' && i + 1 < text.size() && text[i + 1] != ' ';
    if (!allowed && !inner_colon) return false;
  }
  for (const std::string_view reserved :
       {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (EqualsIgnoreCase(text, reserved)) return false;
  }
  return true;
}

std::string ScalarYaml(const json::value& value) {
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  if (value.is_string() && IsPlainString(value.get_string())) {
    return std::string(value.get_string());
  }
  return json::serialize(value);
}

bool IsBlock(const json::value& value) {
  return (value.is_object() && !value.get_object().empty()) ||
         (value.is_array() && !value.get_array().empty());
}

// `inline_first`: the first line continues a "- ", so it needs no indentation of its own.
void AppendYaml(const json::value& value, std::size_t indent, bool inline_first, std::string& out) {
  const auto start_line = [&] {
    if (!inline_first) out.append(indent, ' ');
    inline_first = false;
  };
  if (value.is_object()) {
    for (const auto& [key, member] : value.get_object()) {
      start_line();
      const std::string name = ScalarYaml(json::value(key));
      const bool explicit_key = name.size() > kImplicitKeyBytesMax;
      out += (explicit_key ? "? " : "") + name;
      if (explicit_key) out.append("\n").append(indent, ' ');
      out += ':';
      if (IsBlock(member)) {
        const bool at_key = member.is_array() && !explicit_key;
        out += '\n';
        AppendYaml(member, at_key ? indent : indent + 2, false, out);
      } else {
        out += " " + ScalarYaml(member) + "\n";
      }
    }
    return;
  }
  for (const json::value& item : value.get_array()) {
    start_line();
    out += "- ";
    if (IsBlock(item)) {
      AppendYaml(item, indent + 2, true, out);
    } else {
      out += ScalarYaml(item) + "\n";
    }
  }
}

void AppendJson(const json::value& value, std::size_t indent, std::string& out) {
  if (!IsBlock(value)) {
    out += json::serialize(value);
    return;
  }
  const bool is_object = value.is_object();
  out += is_object ? "{\n" : "[\n";
  bool first = true;
  const auto next = [&] {
    if (!first) out += ",\n";
    first = false;
    out.append(indent + 2, ' ');
  };
  if (is_object) {
    for (const auto& [key, member] : value.get_object()) {
      next();
      out += json::serialize(json::value(key)) + ": ";
      AppendJson(member, indent + 2, out);
    }
  } else {
    for (const json::value& item : value.get_array()) {
      next();
      AppendJson(item, indent + 2, out);
    }
  }
  out += '\n';
  out.append(indent, ' ');
  out += is_object ? '}' : ']';
}

json::value ScalarFromYaml(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  // yaml-cpp tags quoted scalars "!" and plain ones "?".
  if (node.Tag() == "!") return json::value(text);
  if (text == "true") return true;
  if (text == "false") return false;
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool leading_zero = text.size() > 1 && text[0] == '0';
  if (failure == std::errc{} && end == text.data() + text.size() && !leading_zero) return number;
  return json::value(text);
}

// `nodes_left` and `depth` (collections around the node) bound what aliases of aliases, or of what
// they stand in, may grow to.
Result<json::value> FromYaml(const YAML::Node& node, std::size_t depth, std::size_t& nodes_left) {
  if (nodes_left == 0) return MakeError(ErrorCode::kTooLarge, "it holds too many values");
  --nodes_left;
  // Two less than a text may have, in which `- []` is two levels: what was read is shown again.
  if (depth > limits::kYamlDepthMax - 2) {
    return MakeError(ErrorCode::kInvalidArgument, "it is nested too deep");
  }
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      return json::value(nullptr);
    case YAML::NodeType::Scalar:
      return ScalarFromYaml(node);
    case YAML::NodeType::Sequence: {
      json::array array;
      for (const YAML::Node& item : node) {
        MK8S_ASSIGN_OR_RETURN(json::value value, FromYaml(item, depth + 1, nodes_left));
        array.push_back(std::move(value));
      }
      return json::value(std::move(array));
    }
    case YAML::NodeType::Map: {
      json::object object;
      for (const auto& entry : node) {
        MK8S_ASSIGN_OR_RETURN(json::value value, FromYaml(entry.second, depth + 1, nodes_left));
        object[entry.first.as<std::string>()] = std::move(value);
      }
      return json::value(std::move(object));
    }
  }
  return json::value(nullptr);
}

Result<json::value> ParseJson(std::string_view text) {
  boost::system::error_code failure;
  json::value value = json::parse(text, failure);
  if (failure) return MakeError(ErrorCode::kBadGateway, "central's answer is not JSON");
  return value;
}

}  // namespace

std::string ToYaml(const json::value& value) {
  if (!IsBlock(value)) return ScalarYaml(value) + "\n";
  std::string out;
  AppendYaml(value, 0, false, out);
  return out;
}

std::string ToPrettyJson(const json::value& value) {
  std::string out;
  AppendJson(value, 0, out);
  return out + "\n";
}

Result<json::value> ParseYaml(std::string_view text) {
  if (!YamlDepthWithin(text, limits::kYamlDepthMax)) {
    return MakeError(ErrorCode::kInvalidArgument, "it is nested too deep");
  }
  try {
    std::size_t nodes_left = kNodesMax;
    return FromYaml(YAML::Load(std::string(text)), 0, nodes_left);
  } catch (const YAML::Exception& failure) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "line " + std::to_string(failure.mark.line + 1) + ": " + failure.msg);
  }
}

Result<std::string> PrettyJson(std::string_view text) {
  MK8S_ASSIGN_OR_RETURN(const json::value value, ParseJson(text));
  return ToPrettyJson(value);
}

Result<std::string> JsonToYaml(std::string_view text) {
  MK8S_ASSIGN_OR_RETURN(const json::value value, ParseJson(text));
  return ToYaml(value);
}

}  // namespace mk8s::cli
