// What passes the list filter of a list or a Table, and what it refuses.
#include "kube/list_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "kube/list_filter_for_test.h"

namespace mk8s::kube {
namespace {

TEST(ListFilterTest, KeepsWhatIsGranted) {
  Check(ListShape::kList,
        {
            {"none", List("[]"), List("[]")},
            {"null", List("null"), List("null")},
            {"all", List("[" + kOurs + "," + kOurs2 + "]"), List("[" + kOurs + "," + kOurs2 + "]")},
            {"first", List("[" + kOurs + "," + kTheirs + "]"), List("[" + kOurs + "]")},
            {"last", List("[" + kTheirs + "," + kOurs + "]"), List("[" + kOurs + "]")},
            {"middle", List("[" + kTheirs + "," + kOurs + "," + kTheirs + "]"),
             List("[" + kOurs + "]")},
            {"around", List("[" + kOurs + "," + kTheirs + "," + kOurs2 + "]"),
             List("[" + kOurs + "," + kOurs2 + "]")},
            {"nothing", List("[" + kTheirs + "," + kTheirs + "]"), List("[]")},
            {"spaces", List(" [ " + kTheirs + " ,\n\t" + kOurs + " , " + kOurs2 + " ] ") + "\n",
             List(" [" + kOurs + "," + kOurs2 + "] ")},
            {"cluster-scoped",
             List(R"([{"metadata":{"name":"ok1"}},{"metadata":{"name":"no"}},)"
                  R"({"metadata":{"namespace":"","name":"ok2"}}])"),
             List(R"([{"metadata":{"name":"ok1"}},{"metadata":{"namespace":"","name":"ok2"}}])")},
            // Lists of custom resources have their members sorted.
            {"kind behind the items",
             R"({"apiVersion":"g/v1","items":[)" + kTheirs + "," + kOurs +
                 R"(],"kind":"XList","metadata":{"continue":"k","resourceVersion":"7"}})",
             R"({"apiVersion":"g/v1","items":[)" + kOurs +
                 R"(],"kind":"XList","metadata":{"continue":"<k>","resourceVersion":"7"}})"},
        });
}

TEST(ListFilterTest, ReadsNamesAsAnyJsonReaderDoes) {
  const std::string escaped = R"({"m\u0065tadata":{"name\u0073pace":"\u0061","\u006eame":"x"}})";
  const std::string theirs = R"({"metadata":{"namespace":"\u0062","name":"a"}})";
  // "a" in a label, an annotation or the spec is no namespace; nor is an escaped quote an end.
  const std::string decoy =
      R"({"spec":{"metadata":{"namespace":"a","name":"ok"}},"metadata":{"labels":)"
      R"({"namespace":"a","name":"ok"},"namespace":"b","name":"\",\"namespace\":\"a"}})";
  const std::string custom =
      R"({"Metadata":{"namespace":"b","name":"x"},"metadata":{"namespace":"a","name":"x"}})";
  const std::string odd =
      "{\"metadata\":{\"namespace\":\"a\",\"name\":\"x\"},\"raw\":[\"\\ud800\",\"\xff\",-0.5e+9,0]"
      "}";
  Check(ListShape::kList,
        {
            {"escapes", List("[" + escaped + "," + theirs + "]"), List("[" + escaped + "]")},
            {"decoys", List("[" + decoy + "]"), List("[]")},
            // The cluster reads `metadata` alone; a custom resource may have such a member.
            {"a custom resource's own member", List("[" + custom + "]"), List("[" + custom + "]")},
            // A raw extension is stored as it was sent: it must not break a neighbour's list.
            {"no Unicode where it does not matter", List("[" + odd + "]"), List("[" + odd + "]")},
        });
}

TEST(ListFilterTest, RewritesTheListsMetadata) {
  const auto list = [](std::string_view metadata) {
    return R"({"kind":"PodList","metadata":)" + std::string(metadata) + R"(,"items":[]})";
  };
  Check(ListShape::kList,
        {
            {"all of it",
             list(R"({"selfLink":"","resourceVersion": "7","continue":"a\"b",)"
                  R"("remainingItemCount":5})"),
             list(R"({"selfLink":"","resourceVersion": "7","continue":"<a\"b>"})")},
            {"count first", list(R"({"remainingItemCount":5,"resourceVersion":"7"})"),
             list(R"({"resourceVersion":"7"})")},
            {"end of the pages", list(R"({"continue":"","resourceVersion":"7"})"),
             list(R"({"continue":"","resourceVersion":"7"})")},
            {"no continue", list(R"({"continue":null,"resourceVersion":"7"})"),
             list(R"({"resourceVersion":"7"})")},
            {"what is new", list(R"({"next":{"continue":"b/secret"},"resourceVersion":"7"})"),
             list(R"({"resourceVersion":"7"})")},
            {"empty", list("{}"), list("{}")},
            {"null", list("null"), list("null")},
            {"a spelling", list(R"({"Continue":"b/secret"})"), "refused"},
            {"a spelling of Go's", list("{\"\xE2\x84\xAA\":\"b/secret\"}"), "refused"},
            {"twice", list(R"({"continue":"","continue":"k"})"), "refused"},
            {"a number", list(R"({"continue":5})"), "refused"},
            {"nested", list(R"({"resourceVersion":{"continue":"k"}})"), "refused"},
            {"not sealed", list(R"({"continue":"refused"})"), "refused"},
            {"a text", list(R"("x")"), "refused"},
        });
}

TEST(ListFilterTest, PassesALoneStatus) {
  const std::string expired =
      R"({"kind":"Status","apiVersion":"v1","metadata":{"continue":"k"},"status":"Failure",)"
      R"("reason":"Expired","details":{"name":"x"},"code":410})";
  const std::string sealed =
      R"({"kind":"Status","apiVersion":"v1","metadata":{"continue":"<k>"},"status":"Failure",)"
      R"("reason":"Expired","details":{"name":"x"},"code":410})";
  Check(
      ListShape::kList,
      {
          {"whole", expired, sealed},
          {"with items", R"({"kind":"Status","apiVersion":"v1","items":[]})", "refused"},
          {"of another group", R"({"kind":"Status","apiVersion":"g/v1","status":"x"})", "refused"},
      });
}

TEST(ListFilterTest, FiltersATablesRows) {
  const std::string ours = Row("a", "one"), theirs = Row("b", "secret"), last = Row("a", "two");
  const auto rows = [](const std::string& text) { return Table(kColumns, text); };
  Check(ListShape::kList,
        {
            {"some", rows("[" + theirs + "," + ours + "," + theirs + "," + last + "]"),
             rows("[" + ours + "," + last + "]")},
            {"none", rows("[" + theirs + "]"), rows("[]")},
            {"null", rows("null"), rows("null")},
            {"object first",
             rows(R"([{"object":)" + kOurs + R"(,"cells":[]},{"object":)" + kTheirs +
                  R"(,"cells":[]}])"),
             rows(R"([{"object":)" + kOurs + R"(,"cells":[]}])")},
            {"without an object", rows(R"([{"cells":["secret"]}])"), "refused"},
            {"with null", rows(R"([{"cells":["secret"],"object":null}])"), "refused"},
            {"without metadata", rows(R"([{"cells":["secret"],"object":{}}])"), "refused"},
            {"two objects", rows(R"([{"object":)" + kOurs + R"(,"object":)" + kTheirs + "}]"),
             "refused"},
            {"something else", rows(R"([{"object":)" + kOurs + R"(,"more":1}])"), "refused"},
            {"of no Table", R"({"kind":"PodList","apiVersion":"v1","rows":[]})", "refused"},
            {"of another group's Table", R"({"kind":"Table","apiVersion":"g/v1","rows":[]})",
             "refused"},
            {"and items", R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[],"items":[]})",
             "refused"},
            {"a Table's items", R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","items":[]})",
             "refused"},
            {"a late Table", R"({"items":[],"kind":"Table","apiVersion":"meta.k8s.io/v1"})",
             "refused"},
        });
}

TEST(ListFilterTest, RefusesWhatItDoesNotUnderstand) {
  std::vector<Case> cases = {
      {"nothing", "", "refused"},
      {"a text", R"("x")", "refused"},
      {"a number", "1", "refused"},
      {"an array", "[]", "refused"},
      {"an object alone", kOurs, "refused"},
      {"no list", R"({"kind":"PodList","apiVersion":"v1"})", "refused"},
      {"columns of no Table", R"({"kind":"PodList","columnDefinitions":[],"items":[]})", "refused"},
      {"more members", R"({"kind":"PodList","items":[],"more":{}})", "refused"},
      {"another spelling", R"({"kind":"PodList","items":[],"Items":[]})", "refused"},
      {"two kinds", R"({"kind":"PodList","kind":"Status","items":[]})", "refused"},
      {"items twice", R"({"items":[],"items":[]})", "refused"},
      {"items is an object", List("{}"), "refused"},
      {"two lists", List("[]") + List("[]"), "refused"},
      {"junk behind", List("[]") + "x", "refused"},
  };
  for (const std::string item :
       {"1",
        "null",
        "[]",
        "{}",
        R"({"metadata":null})",
        R"({"metadata":[]})",
        R"({"metadata":{}})",
        R"({"metadata":{"namespace":"a"}})",
        R"({"metadata":{"namespace":"a","name":""}})",
        R"({"metadata":{"namespace":null,"name":"x"}})",
        R"({"metadata":{"name":["x"]}})",
        R"({"Metadata":{"namespace":"a","name":"x"}})",
        R"({"metadata":{"namespace":"a","name":"x"},"metadata":{"namespace":"b","name":"x"}})",
        R"({"metadata":{"namespace":"a","name":"x"},"m\u0065tadata":{}})",
        R"({"metadata":{"namespace":"a","name":"x","namespace":"b"}})",
        R"({"metadata":{"namespace":"a","name":"x","Namespace":"b"}})",
        R"({"metadata":{"namespace":"a","name":"x","NAME":"b"}})",
        "{\"metadata\":{\"namespace\":\"a\",\"name\":\"x\",\"name\xC5\xBFpace\":\"b\"}}",
        R"({"metadata":{"namespace":"a","name":"\ud800"}})",
        "{\"metadata\":{\"namespace\":\"a\",\"name\":\"\xff\"}}"}) {
    cases.push_back({"item " + item, List("[" + item + "]"), "refused"});
  }
  Check(ListShape::kList, cases);
}

TEST(ListFilterTest, RefusesWhatIsNoJson) {
  std::vector<Case> cases;
  for (const std::string value :
       {"",           "tru",     "truE",        "nul",    "01",      "-",        "1.",
        ".5",         "1e",      "1e+",         "+1",     "1.e1",    "NaN",      "'x'",
        "\"x",        "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "{\"a\"}", "{\"a\":}", "{a:1}",
        "{\"a\":1,}", "{,}",     "[1,]",        "[,]",    "[1 2]",   "[1}",      "{\"a\":1]",
        "[",          "{",       "]",           "}",      "1,1",     "1:1"}) {
    cases.push_back({value,
                     List(R"([{"metadata":{"namespace":"a","name":"x"},"spec":)" + value + "}]"),
                     "refused"});
  }
  Check(ListShape::kList, cases);
}

TEST(ListFilterTest, RefusesEveryCutOffList) {
  const std::string whole = Table(kColumns, "[" + Row("a", "one") + "," + Row("b", "x") + "]");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ListFilter filter(ListShape::kList, Rules());
    std::string out;
    ASSERT_TRUE(filter.Write(whole.substr(0, size), out)) << size;
    EXPECT_FALSE(filter.Finish()) << size;
  }
}

TEST(ListFilterTest, FailsForGood) {
  ListFilter filter(ListShape::kList, Rules());
  std::string out;
  EXPECT_FALSE(filter.Write(R"({"kind":"PodList","items":[5,)", out));
  const std::string before = out;
  const Result<void> again = filter.Write(kOurs + "]}", out);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kBadGateway);
  EXPECT_FALSE(filter.Finish());
  EXPECT_EQ(out, before);
}

TEST(ListFilterTest, BoundsDepthAndSize) {
  const auto nested = [](std::size_t depth) {
    return List(R"([{"metadata":{"namespace":"a","name":"x"},"spec":)" + std::string(depth, '[') +
                std::string(depth, ']') + "}]");
  };
  const std::size_t around = 3;
  std::string out;
  EXPECT_TRUE(
      ListFilter(ListShape::kList, Rules()).Write(nested(limits::kListDepthMax - around), out));
  EXPECT_FALSE(
      ListFilter(ListShape::kList, Rules()).Write(nested(limits::kListDepthMax - around + 1), out));
  const auto large = [](std::string_view namespace_) {
    return List(R"([{"metadata":{"namespace":")" + std::string(namespace_) +
                R"(","name":"x"},"spec":")" + std::string(limits::kListItemBytesMax, 'x') + "\"}]");
  };
  EXPECT_FALSE(ListFilter(ListShape::kList, Rules()).Write(large("a"), out));
  out.clear();
  EXPECT_TRUE(ListFilter(ListShape::kList, Rules()).Write(large("b"), out))
      << "what is not seen may be as large as it likes";
  EXPECT_EQ(out, List("[]"));
}

TEST(ListFilterTest, HandsOutAnItemWhenItIsComplete) {
  ListFilter filter(ListShape::kList, Rules());
  std::string out;
  ASSERT_TRUE(filter.Write(R"({"kind":"PodList","items":[)" + kOurs, out));
  EXPECT_EQ(out, R"({"kind":"PodList","items":[)" + kOurs);
}

}  // namespace
}  // namespace mk8s::kube
