// See config_file.h.
#include "cli/config_file.h"

#include <yaml-cpp/yaml.h>

#include <map>

#include "base/limits.h"
#include "base/yaml_depth.h"
#include "cli/files.h"
#include "cli/suggest.h"

namespace mk8s::cli {
namespace {

Error BadConfig(const std::filesystem::path& path, int line_index, const std::string& what) {
  return MakeError(ErrorCode::kFailedPrecondition,
                   path.string() + ":" + std::to_string(line_index + 1) + ": " + what);
}

Result<ConfigFile> ReadKeys(const YAML::Node& root, const std::filesystem::path& path) {
  ConfigFile config;
  const std::map<std::string, std::string*> texts = {
      {"central_url", &config.central_url},
      {"current_cluster", &config.current_cluster},
      {"previous_cluster", &config.previous_cluster},
      {"ca_file", &config.ca_file},
  };
  for (const auto& entry : root) {
    const std::string key = entry.first.as<std::string>();
    const int line = entry.first.Mark().line;
    if (key == "insecure_skip_tls_verify") {
      config.insecure_skip_tls_verify = entry.second.as<bool>();
    } else if (const auto found = texts.find(key); found != texts.end()) {
      *found->second = entry.second.IsNull() ? "" : entry.second.as<std::string>();
    } else {
      std::vector<std::string> known = {"insecure_skip_tls_verify"};
      for (const auto& [name, field] : texts) known.push_back(name);
      return BadConfig(path, line, "unknown key \"" + key + "\"" + DidYouMean(key, known));
    }
  }
  return config;
}

}  // namespace

Result<ConfigFile> ParseConfigFile(std::string_view text, const std::filesystem::path& path) {
  if (!YamlDepthWithin(text, limits::kYamlDepthMax)) return BadConfig(path, 0, "nested too deep");
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return ConfigFile{};
    if (!root.IsMap()) return BadConfig(path, root.Mark().line, "expected \"key: value\" lines");
    return ReadKeys(root, path);
  } catch (const YAML::Exception& failure) {
    return BadConfig(path, failure.mark.line, failure.msg);
  }
}

std::string FormatConfigFile(const ConfigFile& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) out << YAML::Key << key << YAML::Value << value;
  };
  add("central_url", config.central_url);
  add("ca_file", config.ca_file);
  if (config.insecure_skip_tls_verify) {
    out << YAML::Key << "insecure_skip_tls_verify" << YAML::Value << true;
  }
  add("current_cluster", config.current_cluster);
  add("previous_cluster", config.previous_cluster);
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

Result<ConfigFile> LoadConfigFile(const std::filesystem::path& path) {
  const Result<std::string> text = ReadFile(path);
  if (!text && text.error().code == ErrorCode::kNotFound) return ConfigFile{};
  if (!text) return text.error();
  return ParseConfigFile(*text, path);
}

}  // namespace mk8s::cli
