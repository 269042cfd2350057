// api/openapi.yaml, compiled in.
#pragma once

#include <string>
#include <string_view>

namespace mk8s::central {

/// The file as it is.  Defined in a source made at build time from openapi_yaml.cc.in.
extern const std::string_view kOpenApiYaml;

/// The same as JSON; made at first use.
const std::string& OpenApiJson();

}  // namespace mk8s::central
