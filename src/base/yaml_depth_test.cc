// The nesting that is counted, and what must not count.
#include "base/yaml_depth.h"

namespace mk8s {
namespace {

std::string Repeat(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

std::string Staircase(int steps) {
  std::string out;
  for (int i = 0; i < steps; ++i) out += std::string(i, ' ') + "k:\n";
  return out;
}

TEST(YamlDepth, CountsBlockAndFlowCollections) {
  const struct {
    const char* what;
    std::string text;
    std::size_t depth;
  } cases[] = {
      {"empty", "", 0},
      {"scalar", "hello", 1},
      {"flat map", "a: 1\nb: 2\nc: 3\n", 1},
      {"map in map", "a:\n  b:\n    c: 1\nd:\n  e: 2\n", 3},
      {"sequence at its key's column", "a:\n- b\n- c\nd:\n- e\n", 3},
      {"compact sequences", "- - - - x\n", 5},
      {"flow", "[[[1, 2], [3]], {a: {b: c}}]", 4},
      {"flow in block", "a:\n  b: [x, {y: z}]\n", 4},
      {"flow over lines", "a: [\n b,\n [c]\n]\nd: [e]\n", 3},
      {"brackets in quotes", "a: \"[[[[[[[[\"\nb: '{{{{{{'\n", 1},
      {"closing bracket in quotes", "a: [\"]\", [\"]\", [x]]]\n", 4},
      {"an escaped quote", "a: \"\\\"[[[[\"\n", 1},
      {"brackets in a comment", "a: 1 # [[[[[[[\n# {{{{{\n", 1},
      {"an apostrophe in plain text", "a: it's\nb: [c]\n", 2},
      {"a bracket in plain text", "a: x[[[[\n", 1},
      {"a hundred thousand flow", Repeat("[", 100'000), 100'001},
      {"two thousand block", Staircase(2'000), 2'000},
      {"a thousand compact", Repeat("- ", 1'000) + "x", 1'001},
      {"a thousand maps", Repeat("{a: ", 1'000), 1'001},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(YamlDepthWithin(c.text, c.depth)) << c.what;
    EXPECT_FALSE(c.depth > 1 && YamlDepthWithin(c.text, c.depth - 1)) << c.what;
  }
}

}  // namespace
}  // namespace mk8s
