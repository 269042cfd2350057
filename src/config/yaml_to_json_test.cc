// Scalars, lists and maps of YAML as JSON, case by case.
#include "config/yaml_to_json.h"

namespace mk8s::config {
namespace {

TEST(YamlToJsonTest, KeepsWhatEachScalarMeans) {
  struct Case {
    const char* yaml;
    const char* json;
  };
  const Case cases[] = {
      {"a: 1", R"({"a":1})"},
      {"a: -12", R"({"a":-12})"},
      {"a: \"1\"", R"({"a":"1"})"},
      {"a: [true, 'false', null, ~]", R"({"a":[true,"false",null,null]})"},
      {"a: 1.5.2", R"({"a":"1.5.2"})"},
      {"a: '-'", R"({"a":"-"})"},
      {"\"200\": {b: x}", R"({"200":{"b":"x"}})"},
      {"- {}\n- []\n- \"q\\\"\"", R"([{},[],"q\""])"},
      {"a: >-\n  two\n  lines", R"({"a":"two lines"})"},
  };
  for (const Case& test : cases) EXPECT_EQ(YamlToJson(test.yaml).value_or("error"), test.json);
  EXPECT_FALSE(YamlToJson("a: [1"));
}

}  // namespace
}  // namespace mk8s::config
