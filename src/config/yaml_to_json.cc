// See yaml_to_json.h.
#include "config/yaml_to_json.h"

#include <yaml-cpp/yaml.h>

#include "base/log.h"

namespace mk8s::config {
namespace {

bool IsLiteral(const std::string& text) {
  if (text == "true" || text == "false" || text == "null") return true;
  const std::size_t digits = text.starts_with('-') ? 1 : 0;
  return text.size() > digits && text.find_first_not_of("0123456789", digits) == std::string::npos;
}

void Append(const YAML::Node& node, std::string& out) {
  const auto separate = [&out] {
    if (out.back() != '[' && out.back() != '{') out += ',';
  };
  if (node.IsMap()) {
    out += '{';
    for (const auto& member : node) {
      separate();
      out += log::JsonString(member.first.Scalar()) + ":";
      Append(member.second, out);
    }
    out += '}';
  } else if (node.IsSequence()) {
    out += '[';
    for (const auto& item : node) {
      separate();
      Append(item, out);
    }
    out += ']';
  } else {
    const bool quoted = node.Tag() == "!";
    const std::string text = node.IsNull() ? "null" : node.Scalar();
    out += !quoted && IsLiteral(text) ? text : log::JsonString(text);
  }
}

}  // namespace

Result<std::string> YamlToJson(std::string_view yaml) {
  try {
    std::string json;
    Append(YAML::Load(std::string(yaml)), json);
    return json;
  } catch (const YAML::Exception& failure) {
    return MakeError(ErrorCode::kInvalidArgument, "this is not YAML", failure.what());
  }
}

}  // namespace mk8s::config
