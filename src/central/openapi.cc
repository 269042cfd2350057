// See openapi.h.
#include "central/openapi.h"

#include "base/log.h"
#include "config/yaml_to_json.h"

namespace mk8s::central {
namespace {

std::string Convert() {
  auto json = config::YamlToJson(kOpenApiYaml);
  if (json) return *std::move(json);
  log::Err("api/openapi.yaml cannot be read", {{"error", json.error()}});
  return "{}";
}

}  // namespace

const std::string& OpenApiJson() {
  static const std::string json = Convert();
  return json;
}

}  // namespace mk8s::central
