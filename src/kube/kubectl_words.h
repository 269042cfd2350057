// kubectl's vocabulary: its sub-commands, which of its flags stand alone, what their letters stand
// for, which read files.  The one table of it; kube/kubectl_line.h reads a command line by it.
#pragma once

#include <string_view>

namespace mk8s::kube {

/// True for the sub-commands of kubectl itself; others are plugins.
bool IsKubectlCommand(std::string_view word);

/// Whether a flag, by its long name without dashes, takes the next word where it has no "=".  One
/// that is not known does.  `command`: the words "set env", as far as there are two.
bool TakesValue(std::string_view flag, std::string_view command, std::string_view sub_command);

/// Whether cobra takes a flag to stand alone before it knows the sub-command.
bool StandsAloneBeforeCommand(std::string_view flag);

/// "filename" for 'f', "follow" if of logs; empty for an unknown letter.
std::string_view LongName(char letter, std::string_view command);

/// What a flag's value names of the machine that kubectl runs on.
enum class FlagReads {
  kNothing,
  kManifests,      // -f: files, folders, patterns, URLs, "-", several with commas
  kKustomization,  // -k: a folder or a repository
  kPairs,          // --from-file: [KEY=]FILE or a folder, several with commas
  kFile,           // --from-env-file, --patch-file, --cert, --key, --custom
  kOutput,         // -o: a file only in go-template-file=FILE and its like
  kTemplate,       // --template: a template, or with such an output a file
};
FlagReads WhatFlagReads(std::string_view flag);

}  // namespace mk8s::kube
