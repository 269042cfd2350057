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

}  // namespace
}  // namespace mk8s::cli
