// JSON to YAML and back without a change of types.
#include "cli/documents.h"

#include <boost/json.hpp>

#include "cli/output.h"

namespace mk8s::cli {
namespace {

TEST(Documents, YamlKeepsTypes) {
  const boost::json::value value = boost::json::parse(R"({
    "plain": "prod-eu", "number": 42, "negative": -1, "yes": true, "none": null,
    "text number": "42", "text bool": "true", "norway": "no", "empty": "", "star": "*",
    "colon": "a: b", "line": "a\nb", "dash": "-", "url": "https://c:80/x",
    "words": "two words", "tail": "x:", "end": "x ",
    "base64": "LS0tLQo=", "hash": "a #b", "tilde": "~", "time": "2026-11-24T10:00:00Z",
    "list": ["a", {"b": 1, "c": [1, 2]}, []], "object": {"x": {}}, "": "key"})");
  const std::string yaml = ToYaml(value);
  const auto back = ParseYaml(yaml);
  ASSERT_TRUE(back) << yaml;
  EXPECT_EQ(*back, value) << yaml;
}

TEST(Documents, YamlReadsWell) {
  EXPECT_EQ(*JsonToYaml(R"({"clusters":[{"name":"prod","tags":["a","b"]},{"name":"5"}]})"),
            "clusters:\n- name: prod\n  tags:\n  - a\n  - b\n- name: \"5\"\n");
}

TEST(Documents, PrettyJson) {
  EXPECT_EQ(*PrettyJson(R"({"a":[1,{"b":"x"}],"c":{},"d":[]})"),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\"\n    }\n  ],\n  \"c\": {},\n"
            "  \"d\": []\n}\n");
  EXPECT_FALSE(PrettyJson("{"));
}

TEST(Documents, DeepYamlIsRefused) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  EXPECT_FALSE(ParseYaml(deep));
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j > 0 ? ", " : "") + alias;
    laughs += "]\n";
  }
  EXPECT_FALSE(ParseYaml(laughs));
}

std::string Repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// What is read is shown so that it reads the same.
TEST(Documents, ShownAgainOrRefused) {
  const struct {
    const char* what;
    std::string yaml;
    bool reads;
  } kCases[] = {
      {"key of a simple key's length", std::string(1024, 'k') + ": 1\n", true},
      {"longer key", "? " + std::string(1025, 'k') + "\n: 1\n", true},
      {"key longer once escaped", "{\"" + Repeated("\\0", 300) + "\": [a, {b: c}]}", true},
      {"long keys in one another",
       "- ? " + std::string(2000, 'k') + "\n  : ? " + std::string(2000, 'l') + "\n    : [1]\n",
       true},
      {"as deep as is read", Repeated("- ", 62) + "x\n", true},
      {"too deep for a scalar", Repeated("- ", 63) + "x\n", false},
      {"too deep for nothing", Repeated("- ", 63) + "\n", false},
      {"empty list", Repeated("[", 62) + "[]" + Repeated("]", 62), true},
      {"deep by an alias",
       "a: &a " + Repeated("[", 40) + Repeated("]", 40) + "\nb: " + Repeated("[", 40) + "*a" +
           Repeated("]", 40) + "\n",
       false},
      {"alias of what it stands in", "&a [*a]", false},
  };
  for (const auto& c : kCases) {
    const auto value = ParseYaml(c.yaml);
    ASSERT_EQ(value.has_value(), c.reads) << c.what;
    if (!value) continue;
    const std::string shown = ToYaml(*value);
    const auto again = ParseYaml(shown);
    ASSERT_TRUE(again) << c.what << ": " << again.error().message << "\n" << shown;
    EXPECT_EQ(*again, *value) << c.what << "\n" << shown;
  }
}

}  // namespace
}  // namespace mk8s::cli
