// Texts for the tests of the list filter, and the check that they are filtered alike however they
// are cut.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kube/list_filter.h"

namespace mk8s::kube {

// Namespace "a" and, among objects without one, those named ok...
inline ListFilterRules Rules() {
  return {[](std::string_view namespace_, std::string_view name) {
            return namespace_ == "a" || (namespace_.empty() && name.starts_with("ok"));
          },
          [](std::string_view token) -> Result<std::string> {
            if (token == "refused") return MakeError(ErrorCode::kInternal, "not sealed");
            return "<" + std::string(token) + ">";
          }};
}

struct Outcome {
  bool good = true;
  std::string text;
  bool operator==(const Outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << (outcome.good ? "passed: " : "refused after: ") << outcome.text;
}

template <typename NextSize>
Outcome Filtered(ListShape shape, std::string_view input, NextSize next_size) {
  ListFilter filter(shape, Rules());
  Outcome outcome;
  while (!input.empty()) {
    const std::string_view chunk = input.substr(0, next_size());
    input.remove_prefix(chunk.size());
    // A copy of its own, so that reading beyond it is seen.
    if (!filter.Write(std::string(chunk), outcome.text)) return {false, outcome.text};
  }
  outcome.good = filter.Finish().has_value();
  return outcome;
}

inline Outcome Filtered(ListShape shape, std::string_view input) {
  const Outcome whole = Filtered(shape, input, [] { return std::string_view::npos; });
  EXPECT_EQ(Filtered(shape, input, [] { return 1; }), whole) << "byte by byte";
  std::mt19937 random(7);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(Filtered(shape, input, [&] { return 1 + random() % 23; }), whole)
        << "split at random";
  }
  return whole;
}

struct Case {
  std::string name;
  std::string input;
  std::string output;  // "refused": an error
};

inline void Check(ListShape shape, const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Outcome outcome = Filtered(shape, test.input);
    if (test.output == "refused") {
      EXPECT_FALSE(outcome.good) << outcome.text;
    } else {
      EXPECT_EQ(outcome, (Outcome{true, test.output}));
    }
  }
}

inline std::string Object(std::string_view namespace_, std::string_view name) {
  return R"({"kind":"Pod","metadata":{"name":")" + std::string(name) + R"(","namespace":")" +
         std::string(namespace_) + R"("},"spec":{"x":[1,{"y":"}]\""}]}})";
}

inline std::string List(std::string_view items) {
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":)" +
         std::string(items) + "}";
}

inline std::string Row(std::string_view namespace_, std::string_view name) {
  return R"({"cells":["x",1,null],"object":)" + Object(namespace_, name) + "}";
}

inline std::string Table(std::string_view columns, std::string_view rows) {
  return R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},)"
         R"("columnDefinitions":)" +
         std::string(columns) + R"(,"rows":)" + std::string(rows) + "}";
}

inline std::string Event(std::string_view type, std::string_view object) {
  return R"({"type":")" + std::string(type) + R"(","object":)" + std::string(object) + "}";
}

inline const std::string kOurs = Object("a", "one"), kOurs2 = Object("a", "two");
inline const std::string kTheirs = Object("b", "secret");
inline const std::string kColumns = R"([{"name":"Name","type":"string"}])";

}  // namespace mk8s::kube
