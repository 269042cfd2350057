// Which of kubectl's flags name files or stdin, and what they hold.  Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mk8s::cli {

/// What stands behind a flag that names something of this machine.
enum class NamedKind {
  kManifests,  // -f: files, folders, patterns, "-"; with -R folders below too
  kKustomize,  // -k, or kustomize's own argument: a folder
  kPairs,      // --from-file: [KEY=]FILE or a folder
  kFile,       // --from-env-file, --patch-file, --cert, --key, --custom
  kTemplate,   // -o go-template-file=FILE and its like
};

struct NamedValue {
  NamedKind kind = NamedKind::kFile;
  std::size_t argument = 0;  // index of the word that holds it
  std::size_t begin = 0;     // where it begins in that word; it ends with the word
};

struct ReadFlags {
  std::vector<NamedValue> values;
  bool recursive = false;
  bool stdin_asked = false;     // -i
  bool terminal_asked = false;  // -t
};

ReadFlags ReadFileFlags(const std::vector<std::string>& arguments);

}  // namespace mk8s::cli
