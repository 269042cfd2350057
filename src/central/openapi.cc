// YAML to JSON for /openapi.json: our own file, so every failure is a defect and shows as {}.
#include "central/openapi.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/log.h"

namespace mk8s::central {
namespace {

// Plain scalars that YAML's JSON schema does not read as strings (YAML 1.2 section 10.2).
bool IsLiteral(const std::string& text) {
  if (text == "true" || text == "false" || text == "null") return true;
  const bool number =
      !text.empty() && text.find_first_not_of("0123456789", text[0] == '-') == std::string::npos;
  return number && text != "-";
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

std::string Convert() {
  try {
    std::string json;
    Append(YAML::Load(std::string(kOpenApiYaml)), json);
    return json;
  } catch (const YAML::Exception& failure) {
    log::Err("api/openapi.yaml cannot be read", {{"why", failure.what()}});
    return "{}";
  }
}

}  // namespace

const std::string& OpenApiJson() {
  static const std::string json = Convert();
  return json;
}

}  // namespace mk8s::central
