// A bound on the nesting of YAML before a parser recurses over it.
#pragma once

#include <cstddef>
#include <string_view>

namespace mk8s {

/// Whether `text` nests at most `depth_max` levels of block and flow collections together.  One
/// pass, no recursion, no allocation beyond `depth_max` levels.  Counts from above: it may also
/// refuse text whose block scalars are indented in more than `depth_max` steps.
bool YamlDepthWithin(std::string_view text, std::size_t depth_max);

}  // namespace mk8s
