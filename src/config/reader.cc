// See reader.h.  The one file of this folder that knows yaml-cpp.
#include "config/reader.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "base/limits.h"
#include "base/text.h"
#include "base/yaml_depth.h"

namespace mk8s::config {
namespace {

// Where an error is said to be: "central.yaml:7".
class Place {
 public:
  explicit Place(std::string file) : file_(std::move(file)) {}

  Error At(const YAML::Mark& mark, const std::string& message) const {
    const std::string line = mark.line >= 0 ? ":" + std::to_string(mark.line + 1) : "";
    return MakeError(ErrorCode::kInvalidArgument, file_ + line + ": " + message);
  }

 private:
  std::string file_;
};

// How many single-byte edits turn one word into the other.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view nearest = Nearest(word, known);
  return nearest.empty() ? "" : "; did you mean \"" + std::string(nearest) + "\"?";
}

// Replaces each ${VAR}.  Error: a message without place.
Result<std::string> Expand(std::string_view text, const Environment& environment) {
  std::string out;
  while (true) {
    const std::size_t start = text.find("${");
    out.append(text.substr(0, start));
    if (start == text.npos) return out;
    const std::size_t end = text.find('}', start);
    if (end == text.npos) {
      return MakeError(ErrorCode::kInvalidArgument, "\"${\" without its \"}\"");
    }
    const std::string_view name = text.substr(start + 2, end - start - 2);
    const auto value = environment(name);
    if (!value) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "the environment variable " + Printable(name, 80) + " is not set");
    }
    out += *value;
    text.remove_prefix(end + 1);
  }
}

// A scalar's text, or a list's items with commas between; expanded.  Error: a message without
// place.
Result<std::string> ValueOf(const YAML::Node& node, const Setting& setting,
                            const Environment& environment) {
  if (node.IsScalar()) return Expand(node.Scalar(), environment);
  if (!setting.is_list || !node.IsSequence()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     setting.is_list ? "must be a list of values" : "must be a single value");
  }
  std::string joined;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) {
      return MakeError(ErrorCode::kInvalidArgument, "must be a list of values");
    }
    MK8S_ASSIGN_OR_RETURN(const std::string text, Expand(item.Scalar(), environment));
    joined.append(joined.empty() ? "" : ",").append(text);
  }
  return joined;
}

class Document {
 public:
  Document(const std::string& file, const Environment& environment,
           const std::vector<Setting>& settings)
      : place_(file), environment_(environment) {
    for (const Setting& setting : settings) {
      settings_.emplace(setting.key, &setting);
      keys_.push_back(setting.key);
      const std::string_view section = setting.key.substr(0, setting.key.find('.'));
      if (sections_.empty() || sections_.back() != section) sections_.push_back(section);
    }
  }

  Result<void> Apply(const YAML::Node& root) {
    if (root.IsNull()) return {};
    if (!root.IsMap()) return place_.At(root.Mark(), "must be sections with keys");
    for (const auto& entry : root) {
      const YAML::Node &name = entry.first, &section = entry.second;
      MK8S_RETURN_IF_ERROR(Once(name, ""));
      const std::string& text = name.Scalar();
      if (std::find(sections_.begin(), sections_.end(), text) == sections_.end()) {
        return place_.At(name.Mark(), "unknown section \"" + Printable(text, 80) + "\"" +
                                          DidYouMean(text, sections_));
      }
      if (section.IsNull()) continue;
      if (!section.IsMap()) return place_.At(section.Mark(), text + ": must have keys under it");
      for (const auto& pair : section) {
        MK8S_RETURN_IF_ERROR(Key(text, pair.first, pair.second));
      }
    }
    return {};
  }

 private:
  // Also refuses names that are not plain words.
  Result<void> Once(const YAML::Node& name, const std::string& prefix) {
    if (!name.IsScalar()) return place_.At(name.Mark(), "a key must be a word");
    const auto [first, fresh] = lines_.emplace(prefix + name.Scalar(), name.Mark().line + 1);
    if (fresh) return {};
    return place_.At(name.Mark(), "\"" + Printable(first->first, 80) +
                                      "\" is given twice, first in line " +
                                      std::to_string(first->second));
  }

  Result<void> Key(const std::string& section, const YAML::Node& name, const YAML::Node& value) {
    MK8S_RETURN_IF_ERROR(Once(name, section + "."));
    const std::string key = section + "." + name.Scalar();
    const auto found = settings_.find(key);
    if (found == settings_.end()) {
      return place_.At(name.Mark(),
                       "unknown key \"" + Printable(key, 80) + "\"" + DidYouMean(key, keys_));
    }
    if (value.IsNull()) return {};
    const auto text = ValueOf(value, *found->second, environment_);
    if (!text) return place_.At(value.Mark(), key + ": " + text.error().message);
    if (const auto set = found->second->set(*text); !set) {
      return place_.At(value.Mark(), key + ": " + set.error().message);
    }
    return {};
  }

  const Place place_;
  const Environment& environment_;
  std::map<std::string_view, const Setting*, std::less<>> settings_;
  std::vector<std::string_view> keys_;
  std::vector<std::string_view> sections_;
  std::map<std::string, int> lines_;  // of the names seen, with their section
};

}  // namespace

std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& words) {
  std::string_view nearest;
  std::size_t best = std::min<std::size_t>(word.size() / 2, 6);  // farther is no typing error
  if (word.size() > 80) return nearest;
  for (std::string_view candidate : words) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance <= best && (nearest.empty() || distance < best)) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

Result<std::string> ReadConfigFile(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) {
    text.resize(limits::kConfigFileBytesMax + 1);
    errno = 0;
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
  }
  if (!in.is_open() || in.bad() || (text.empty() && errno != 0)) {
    const int reason = errno;
    return MakeError(reason == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kNotFound,
                     "cannot read the configuration file " + file + ": " + std::strerror(reason));
  }
  if (text.size() > limits::kConfigFileBytesMax) {
    return MakeError(ErrorCode::kTooLarge, "the configuration file " + file + " is over 1 MiB");
  }
  return text;
}

Result<void> ApplyYaml(std::string_view yaml, const std::string& file,
                       const Environment& environment, const std::vector<Setting>& settings) {
  const Place place(file);
  if (yaml.size() > limits::kConfigFileBytesMax || !YamlDepthWithin(yaml, limits::kYamlDepthMax)) {
    return place.At(YAML::Mark::null_mark(), "too large or too deeply nested");
  }
  try {
    return Document(file, environment, settings).Apply(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& exception) {
    return place.At(exception.mark, exception.msg);
  }
}

Result<void> ApplyEnvironment(const Environment& environment,
                              const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    const std::string name = EnvironmentName(setting.key);
    const auto value = environment(name);
    if (!value) continue;
    if (const auto set = setting.set(*value); !set) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "environment variable " + name + ": " + set.error().message);
    }
  }
  return {};
}

}  // namespace mk8s::config
