// See exec_files.h.
#include "cli/exec_files.h"

#include <glob.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "base/limits.h"
#include "base/text.h"
#include "cli/documents.h"
#include "cli/files.h"
#include "kube/command_check.h"
#include "kube/kubectl_line.h"
#include "kube/kubectl_words.h"

namespace mk8s::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kOutside = "mk8s-outside";
constexpr std::string_view kManifestEndings[] = {".yaml", ".yml", ".json"};
constexpr std::string_view kKustomizations[] = {"kustomization.yaml", "kustomization.yml",
                                                "Kustomization"};
// The members of a kustomization below which strings are paths, or KEY=path.
constexpr std::string_view kPathMembers[] = {"resources",       "bases",
                                             "components",      "crds",
                                             "configurations",  "generators",
                                             "transformers",    "validators",
                                             "openapi",         "patches",
                                             "patchesJson6902", "patchesStrategicMerge",
                                             "replacements",    "configMapGenerator",
                                             "secretGenerator"};

using kube::FlagReads;

template <typename List>
bool Contains(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool IsFolder(const fs::path& path) {
  std::error_code failure;
  return fs::is_directory(path, failure);
}
bool Exists(const fs::path& path) {
  std::error_code failure;
  return fs::exists(path, failure);
}

bool IsUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

class Packer {
 public:
  explicit Packer(fs::path folder) : folder_(std::move(folder)) {}

  /// The value of a flag: its paths are packed; returned as the command shall see it.
  Result<std::string> Value(FlagReads what, const std::string& text, bool recursive);

  bool reads_stdin() const { return reads_stdin_; }
  std::vector<PackedFile> Files() {
    std::vector<PackedFile> files;
    for (auto& [path, content] : files_) files.push_back({path, std::move(content)});
    return files;
  }

 private:
  fs::path Absolute(const fs::path& path) const { return (folder_ / path).lexically_normal(); }
  bool IsOutside(const fs::path& absolute) const {
    const fs::path relative = absolute.lexically_relative(folder_);
    return relative.empty() || *relative.begin() == "..";
  }
  static std::string OutsideName(const fs::path& absolute) {
    return std::string(kOutside) + absolute.string();
  }
  // As the command finds it: only what leads out of the folder, or through folders that are not
  // packed, has another name.
  std::string NameFor(const std::string& path, bool outside) const {
    const fs::path absolute = Absolute(path);
    if (outside) return OutsideName(absolute);
    const fs::path given(path);
    const bool straight =
        given.is_relative() && std::find(given.begin(), given.end(), "..") == given.end();
    return straight ? path : absolute.lexically_relative(folder_).string();
  }

  Result<std::string> Manifests(const std::string& path, bool recursive);
  Result<std::string> Pattern(const std::string& pattern, bool recursive);
  Result<std::string> Pair(const std::string& text);
  Result<std::string> Output(const std::string& text);
  Result<std::string> Kustomization(const std::string& path);
  /// A file, or a folder's own files, and the name that stands for it.
  Result<std::string> Plain(const std::string& path);
  Result<void> Folder(const fs::path& folder, bool recursive, bool manifests_only);
  Result<void> ReadKustomization(const fs::path& folder);
  Result<void> ReadPathsOf(const json::value& value, const fs::path& folder);
  Result<void> Add(const fs::path& absolute, bool as_outside);

  const fs::path folder_;
  std::map<std::string, std::string> files_;  // by their names in the command's folder
  std::size_t bytes_ = 0;
  std::set<fs::path> kustomization_;  // files of the one being read
  bool reads_stdin_ = false;
};

Result<std::string> Packer::Value(FlagReads what, const std::string& text, bool recursive) {
  switch (what) {
    case FlagReads::kNothing:
      return text;
    case FlagReads::kKustomization:
      return Kustomization(text);
    case FlagReads::kOutput:
      return Output(text);
    case FlagReads::kTemplate:
      return Exists(Absolute(text)) ? Plain(text) : text;
    case FlagReads::kFile:
      return Plain(text);
    case FlagReads::kManifests:
    case FlagReads::kPairs:
      break;
  }
  std::string value;
  for (const std::string_view part : Split(text, ',')) {  // as kubectl takes several in one
    MK8S_ASSIGN_OR_RETURN(const std::string named, what == FlagReads::kPairs
                                                       ? Pair(std::string(part))
                                                       : Manifests(std::string(part), recursive));
    if (part.data() != text.data()) value += ',';
    value += named;
  }
  return value;
}

Result<std::string> Packer::Manifests(const std::string& path, bool recursive) {
  if (path == "-") reads_stdin_ = true;
  if (path == "-" || path.empty() || IsUrl(path)) return path;
  const fs::path absolute = Absolute(path);
  if (!Exists(absolute)) return Pattern(path, recursive);
  if (!IsFolder(absolute)) return Plain(path);
  MK8S_RETURN_IF_ERROR(Folder(absolute, recursive, true));
  return NameFor(path, IsOutside(absolute));
}

// kubectl expands patterns itself, in its own folder.
Result<std::string> Packer::Pattern(const std::string& pattern, bool recursive) {
  glob_t found{};
  const int failed = ::glob(Absolute(pattern).c_str(), 0, nullptr, &found);
  std::vector<fs::path> matches;
  for (std::size_t i = 0; failed == 0 && i < found.gl_pathc; ++i) {
    matches.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  for (const fs::path& match : matches) {
    if (IsFolder(match)) {
      MK8S_RETURN_IF_ERROR(Folder(match, recursive, true));
    } else {
      MK8S_RETURN_IF_ERROR(Add(match, IsOutside(match)));
    }
  }
  return NameFor(pattern, IsOutside(Absolute(pattern)));
}

Result<std::string> Packer::Pair(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return Plain(text);
  MK8S_ASSIGN_OR_RETURN(const std::string named, Plain(text.substr(equals + 1)));
  return text.substr(0, equals + 1) + named;
}

// "go-template-file=FILE", "jsonpath-file=FILE", "custom-columns-file=FILE".
Result<std::string> Packer::Output(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string form = text.substr(0, equals);
  if (equals == std::string::npos || !form.ends_with("file")) return text;
  return Pair(text);
}

Result<std::string> Packer::Plain(const std::string& path) {
  if (path == "-") reads_stdin_ = true;
  if (path == "-" || path.empty() || IsUrl(path)) return path;
  const fs::path absolute = Absolute(path);
  const bool outside = IsOutside(absolute);
  if (!Exists(absolute)) return NameFor(path, outside);
  if (IsFolder(absolute)) {
    MK8S_RETURN_IF_ERROR(Folder(absolute, false, false));
  } else {
    MK8S_RETURN_IF_ERROR(Add(absolute, outside));
  }
  return NameFor(path, outside);
}

Result<void> Packer::Folder(const fs::path& folder, bool recursive, bool manifests_only) {
  std::error_code failure;
  auto entries = fs::recursive_directory_iterator(folder, failure);
  for (; !failure && entries != fs::recursive_directory_iterator(); entries.increment(failure)) {
    if (entries->is_directory(failure)) {
      if (!recursive) entries.disable_recursion_pending();
      continue;
    }
    const fs::path& path = entries->path();
    if (manifests_only && !Contains(kManifestEndings, path.extension().string())) continue;
    if (!entries->is_regular_file(failure)) continue;
    MK8S_RETURN_IF_ERROR(Add(path.lexically_normal(), IsOutside(folder)));
  }
  if (!failure) return {};
  return MakeError(ErrorCode::kFailedPrecondition,
                   "cannot read the folder " + folder.string() + ": " + failure.message());
}

// What a kustomization names may lie anywhere, and finds each other by relative paths: if any of it
// lies outside, all of it moves.
Result<std::string> Packer::Kustomization(const std::string& path) {
  if (path.empty() || IsUrl(path)) return path;
  if (!IsFolder(Absolute(path))) return NameFor(path, IsOutside(Absolute(path)));
  kustomization_.clear();
  MK8S_RETURN_IF_ERROR(ReadKustomization(Absolute(path)));
  const bool outside = std::any_of(kustomization_.begin(), kustomization_.end(),
                                   [this](const fs::path& file) { return IsOutside(file); });
  for (const fs::path& file : kustomization_) MK8S_RETURN_IF_ERROR(Add(file, outside));
  return NameFor(path, outside);
}

Result<void> Packer::ReadKustomization(const fs::path& folder) {
  for (const std::string_view name : kKustomizations) {
    const fs::path file = (folder / name).lexically_normal();
    if (!Exists(file) || !kustomization_.insert(file).second) continue;
    MK8S_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    const Result<json::value> document = ParseYaml(text);
    if (!document || !document->is_object()) return {};  // kubectl says what is wrong with it
    for (const auto& member : document->get_object()) {
      if (!Contains(kPathMembers, std::string_view(member.key()))) continue;
      MK8S_RETURN_IF_ERROR(ReadPathsOf(member.value(), folder));
    }
  }
  return {};
}

Result<void> Packer::ReadPathsOf(const json::value& value, const fs::path& folder) {
  if (value.is_object()) {
    for (const auto& member : value.get_object()) {
      MK8S_RETURN_IF_ERROR(ReadPathsOf(member.value(), folder));
    }
  } else if (value.is_array()) {
    for (const json::value& entry : value.get_array()) {
      MK8S_RETURN_IF_ERROR(ReadPathsOf(entry, folder));
    }
  } else if (value.is_string()) {
    const std::string text(value.get_string());
    for (const std::string& name : {text, text.substr(text.find('=') + 1)}) {
      if (name.empty() || name.find('\n') != std::string::npos) continue;
      const fs::path path = (folder / name).lexically_normal();
      if (IsFolder(path)) {
        MK8S_RETURN_IF_ERROR(ReadKustomization(path));
      } else if (Exists(path)) {
        kustomization_.insert(path);
      }
    }
  }
  return {};
}

Result<void> Packer::Add(const fs::path& absolute, bool as_outside) {
  const std::string name =
      as_outside ? OutsideName(absolute) : absolute.lexically_relative(folder_).string();
  if (files_.contains(name)) return {};
  MK8S_ASSIGN_OR_RETURN(std::string content, ReadFile(absolute, limits::kExecInputBytesMax));
  bytes_ += name.size() + content.size();
  if (bytes_ > limits::kExecInputBytesMax || files_.size() >= limits::kExecFilesMax) {
    return MakeError(ErrorCode::kTooLarge,
                     "the files that the command names are too large to be sent: at most " +
                         std::to_string(limits::kExecInputBytesMax / 1024 / 1024) + " MiB and " +
                         std::to_string(limits::kExecFilesMax) +
                         " files\n  next: install kubectl and run mk8s kubectl");
  }
  files_.emplace(name, std::move(content));
  return {};
}

}  // namespace

Result<PackedCommand> PackCommand(const std::vector<std::string>& arguments,
                                  const std::filesystem::path& folder) {
  const kube::KubectlLine line = kube::ReadKubectlLine(arguments);
  PackedCommand packed{.arguments = arguments};
  Packer packer(folder.lexically_normal());
  for (const kube::KubectlFlag& flag : line.flags) {
    if (!flag.value) continue;
    MK8S_ASSIGN_OR_RETURN(const std::string named,
                          packer.Value(kube::WhatFlagReads(flag.name),
                                       std::string(line.ValueOf(flag)), line.IsOn("recursive")));
    const auto [argument, begin] = *flag.value;
    packed.arguments[argument] = arguments[argument].substr(0, begin) + named;
  }
  if (line.Word(0) == "kustomize") {
    for (std::size_t i = 1; i < line.words.size(); ++i) {
      std::string& word = packed.arguments[line.words[i]];
      MK8S_ASSIGN_OR_RETURN(word, packer.Value(FlagReads::kKustomization, word, false));
    }
  }
  // Only now, when all that is here and may be named has its name there.
  MK8S_RETURN_IF_ERROR(kube::CheckCommandArguments(packed.arguments));
  packed.files = packer.Files();
  packed.reads_stdin = packer.reads_stdin() || line.IsOn("stdin") || line.IsOn("interactive");
  packed.terminal = line.IsOn("tty");
  return packed;
}

}  // namespace mk8s::cli
