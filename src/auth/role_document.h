// A small tree of what an administrator wrote, from YAML or JSON alike, with the lines for error
// messages.  Between auth/role_parse and the two libraries; bounded in depth and size, so hostile
// input costs an error and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mk8s::auth {

struct DocumentEntry;

struct DocumentNode {
  enum class Kind { kNull, kBool, kString, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;      // from 1; 0 in JSON
  std::string text;  // kBool: "true" or "false"; numbers come as strings
  std::vector<DocumentNode> items;
  std::vector<DocumentEntry> entries;  // in their order, keys are unique
};

struct DocumentEntry {
  std::string key;
  DocumentNode value;
};

/// Every document of the stream.  Aliases and duplicate keys are refused; deeper than
/// limits::kYamlDepthMax or longer than limits::kConfigFileBytesMax as well.
/// Error: kInvalidArgument with the line, kTooLarge.
Result<std::vector<DocumentNode>> DocumentsFromYaml(std::string_view yaml);

/// One value, with limits::kJsonDepthMax; of a key that occurs twice the last value counts, as
/// everywhere in JSON.  Errors likewise.
Result<DocumentNode> DocumentFromJson(std::string_view json);

}  // namespace mk8s::auth
