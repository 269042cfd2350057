// "Did you mean": the nearest of the known words to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mk8s::cli {

/// Insertions, deletions, substitutions and swaps of neighbours, each 1 (optimal string alignment).
int EditDistance(std::string_view a, std::string_view b);

/// The nearest candidate within a third of the word's length (at least 1, at most 3), or one that
/// `word` begins; empty if none.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean \"prod-eu\"?" or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mk8s::cli
