// See list_grammar.h.
#include "kube/list_grammar.h"

#include <algorithm>
#include <span>

#include "base/text.h"

namespace mk8s::kube {
namespace {

struct Known {
  std::string_view key;
  ListMember member;
};

// What becomes of a key that is not in a place's table.
enum class Others { kPass, kPassUnlessAlike, kUnknown };

struct Members {
  std::span<const Known> known;
  Others others;
};

constexpr Known kList[] = {
    {"kind", ListMember::kKind},         {"apiVersion", ListMember::kApiVersion},
    {"metadata", ListMember::kMetadata}, {"items", ListMember::kItems},
    {"rows", ListMember::kRows},         {"columnDefinitions", ListMember::kColumnDefinitions},
};
constexpr Known kListMeta[] = {
    {"resourceVersion", ListMember::kKept},
    {"selfLink", ListMember::kKept},
    {"continue", ListMember::kContinue},
};
constexpr Known kItem[] = {{"metadata", ListMember::kMetadata}};
constexpr Known kRow[] = {
    {"cells", ListMember::kOther},
    {"conditions", ListMember::kOther},
    {"object", ListMember::kObject},
};
constexpr Known kObjectMeta[] = {
    {"name", ListMember::kName},
    {"namespace", ListMember::kNamespace},
};
constexpr Known kEvent[] = {{"type", ListMember::kType}, {"object", ListMember::kObject}};
constexpr Known kEventObject[] = {
    {"kind", ListMember::kKind},
    {"apiVersion", ListMember::kApiVersion},
    {"metadata", ListMember::kMetadata},
    {"rows", ListMember::kRows},
    {"columnDefinitions", ListMember::kColumnDefinitions},
};

Members MembersOf(ListPlace place) {
  switch (place) {
    case ListPlace::kList:
      return {kList, Others::kUnknown};
    case ListPlace::kListMeta:
      return {kListMeta, Others::kPassUnlessAlike};
    case ListPlace::kItem:
      return {kItem, Others::kPass};
    case ListPlace::kRow:
      return {kRow, Others::kUnknown};
    case ListPlace::kObjectMeta:
      return {kObjectMeta, Others::kPassUnlessAlike};
    case ListPlace::kEvent:
      return {kEvent, Others::kUnknown};
    case ListPlace::kEventObject:
      return {kEventObject, Others::kPass};
    case ListPlace::kItems:
    case ListPlace::kRows:
      break;  // arrays: no keys
  }
  return {{}, Others::kUnknown};
}

}  // namespace

ListMember MemberOf(ListPlace place, std::string_view key) {
  const Members members = MembersOf(place);
  for (const Known& known : members.known) {
    if (known.key == key) return known.member;
  }
  if (members.others == Others::kPass) return ListMember::kOther;
  if (members.others == Others::kUnknown) return ListMember::kUnknown;
  // encoding/json also takes U+017F for an s and U+212A for a k: nothing but ASCII belongs here.
  const bool alike =
      std::any_of(members.known.begin(), members.known.end(),
                  [key](const Known& known) { return EqualsIgnoreCase(known.key, key); });
  const bool ascii = std::none_of(
      key.begin(), key.end(), [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; });
  return ascii && !alike ? ListMember::kOther : ListMember::kUnknown;
}

}  // namespace mk8s::kube
