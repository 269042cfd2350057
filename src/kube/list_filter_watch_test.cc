// What passes the list filter of a watch: events of objects and of Tables.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kube/list_filter.h"
#include "kube/list_filter_for_test.h"

namespace mk8s::kube {
namespace {

TEST(ListFilterWatchTest, FiltersEvents) {
  const std::string bookmark = Event(
      "BOOKMARK", R"({"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9","name":"x",)"
                  R"("namespace":"b","annotations":{"k8s.io/initial-events-end":"true"}}})");
  const auto object = [](std::string_view namespace_) {
    return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","namespace":")" +
           std::string(namespace_) + R"("},"spec":{}})";
  };
  const std::string row =
      R"({"apiVersion":"g/v1","kind":"Table","metadata":{"name":"x","namespace":"a"},"rows":[5]})";
  std::vector<Case> cases = {
      {"none", "", ""},
      {"spaces", " \n\n ", ""},
      {"bookmark", bookmark, bookmark + "\n"},
      {"error", Event("ERROR", R"({"kind":"Status","apiVersion":"v1","metadata":{},"code":410})"),
       Event("ERROR", R"({"kind":"Status","apiVersion":"v1","metadata":{},"code":410})") + "\n"},
      {"error with continue", Event("ERROR", R"({"kind":"Status","metadata":{"continue":"k"}})"),
       Event("ERROR", R"({"kind":"Status","metadata":{"continue":"<k>"}})") + "\n"},
      {"several",
       Event("ADDED", object("b")) + "\n" + bookmark + "\n" + Event("ADDED", object("a")) +
           Event("DELETED", object("a")) + " " + Event("DELETED", object("b")),
       bookmark + "\n" + Event("ADDED", object("a")) + "\n" + Event("DELETED", object("a")) + "\n"},
      {"another group's Table", Event("ADDED", row), Event("ADDED", row) + "\n"},
      {"unknown type", Event("PATCHED", object("a")), "refused"},
      {"no type", R"({"object":)" + object("a") + "}", "refused"},
      {"no object", R"({"type":"ADDED"})", "refused"},
      {"object first", R"({"object":)" + object("a") + R"(,"type":"ADDED"})", "refused"},
      {"two types", R"({"type":"BOOKMARK","type":"ADDED","object":)" + object("b") + "}",
       "refused"},
      {"two objects",
       R"({"type":"ADDED","object":)" + object("a") + R"(,"object":)" + object("b") + "}",
       "refused"},
      {"another member", R"({"type":"ADDED","objects":[],"object":)" + object("a") + "}",
       "refused"},
      {"no kind", Event("ADDED", R"({"metadata":{"name":"x","namespace":"a"}})"), "refused"},
      {"kind behind",
       Event("ADDED", R"({"metadata":{"name":"x","namespace":"a"},"kind":"P","apiVersion":"v1"})"),
       "refused"},
      {"no metadata", Event("ADDED", R"({"kind":"Pod","apiVersion":"v1"})"), "refused"},
      {"a list", List("[]"), "refused"},
      {"cut off", Event("ADDED", object("a")).substr(0, 40), "refused"},
      {"comma between", bookmark + "," + bookmark, "refused"},
      {"an array", "[" + bookmark + "]", "refused"},
  };
  for (const std::string_view type : {"ADDED", "MODIFIED", "DELETED"}) {
    const std::string ours = Event(type, object("a"));
    cases.push_back({"granted " + std::string(type), ours, ours + "\n"});
    cases.push_back({"not granted " + std::string(type), Event(type, object("b")), ""});
  }
  Check(ListShape::kWatch, cases);
}

TEST(ListFilterWatchTest, HandsOutAnEventWhenItIsComplete) {
  const std::string event = Event("BOOKMARK", R"({"kind":"Pod","apiVersion":"v1","metadata":{}})");
  ListFilter filter(ListShape::kWatch, Rules());
  std::string out;
  ASSERT_TRUE(filter.Write(event, out));
  EXPECT_EQ(out, event + "\n");
}

TEST(ListFilterWatchTest, OwesColumnDefinitionsUntilATablePasses) {
  const std::string other = R"([{"name":"Other"}])";
  const auto added = [](std::string_view columns, std::string_view rows) {
    return Event("ADDED", Table(columns, rows));
  };
  const std::string ours = "[" + Row("a", "one") + "]", theirs = "[" + Row("b", "secret") + "]";
  const std::string both = "[" + Row("b", "secret") + "," + Row("a", "one") + "]";
  const std::string bookmark =
      Event("BOOKMARK", Table("null", R"([{"cells":[],"object":{"metadata":{"name":""}}}])"));
  const std::string bookmark_with_columns =
      Event("BOOKMARK", Table(kColumns, R"([{"cells":[],"object":{"metadata":{"name":""}}}])"));
  const std::string bare = R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":)" + ours + "}";
  const std::string owed = R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":)" + ours +
                           R"(,"columnDefinitions":)" + kColumns + "}";
  Check(
      ListShape::kWatch,
      {
          {"first passes", added(kColumns, ours) + added("null", ours),
           added(kColumns, ours) + "\n" + added("null", ours) + "\n"},
          {"first vanishes",
           added(kColumns, theirs) + added("null", theirs) + added("null", ours) +
               added("null", ours),
           added(kColumns, ours) + "\n" + added("null", ours) + "\n"},
          {"empty instead of null", added(kColumns, theirs) + added("[]", ours),
           added(kColumns, ours) + "\n"},
          {"not even null", added(kColumns, theirs) + Event("ADDED", bare),
           Event("ADDED", owed) + "\n"},
          {"a bookmark takes them", added(kColumns, theirs) + bookmark + added("null", ours),
           bookmark_with_columns + "\n" + added("null", ours) + "\n"},
          {"newer ones", added(kColumns, theirs) + added(other, ours) + added("null", ours),
           added(other, ours) + "\n" + added("null", ours) + "\n"},
          {"rows", added(kColumns, both), added(kColumns, ours) + "\n"},
          {"no rows", added(kColumns, "[]") + added(kColumns, "null"), ""},
          {"an error passes",
           added(kColumns, theirs) + Event("ERROR", R"({"kind":"Status"})") + added("null", ours),
           Event("ERROR", R"({"kind":"Status"})") + "\n" + added(kColumns, ours) + "\n"},
          {"a row without an object", added(kColumns, R"([{"cells":["secret"]}])"), "refused"},
          {"columns twice",
           Event("ADDED", R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[],)"
                          R"("columnDefinitions":[],"rows":[]})"),
           "refused"},
      });
}

}  // namespace
}  // namespace mk8s::kube
