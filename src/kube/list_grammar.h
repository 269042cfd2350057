// Which members of a list, a Table or a watch event the list filter looks at, and what they are to
// it.  Between kube/json_scanner (tokens) and kube/list_editor (what passes).
//
// Names are taken as kube-apiserver takes them, case-sensitively.  Readers that are not so strict
// (Go's encoding/json) could see a `Name` beside `name` as the same; where the cluster alone
// decides what members there are, such a pair is refused.  At the top of an object it is let be: a
// custom resource may hold any member, and one tenant's must not break another's list.
#pragma once

#include <cstdint>
#include <string_view>

namespace mk8s::kube {

/// What a container is that is looked into.
enum class ListPlace : std::uint8_t {
  kList,        // a whole list, Table or Status
  kListMeta,    // its metadata, or a Table's or a Status's in an event
  kItems,       // an array of kItem
  kRows,        // an array of kRow
  kItem,        // an object that is decided, or a row's or an event's
  kRow,         // one of a Table
  kObjectMeta,  // of an object that is decided
  kEvent,       // of a watch
  kEventObject,
};

/// What a member is.
enum class ListMember : std::uint8_t {
  kOther,  // of no interest
  kKind,
  kApiVersion,
  kMetadata,
  kItems,
  kRows,
  kColumnDefinitions,
  kObject,
  kType,
  kName,
  kNamespace,
  kContinue,
  kKept,     // a scalar of a list's metadata that passes
  kUnknown,  // where there must be none, or another spelling of a known one
};

/// `key` is decoded.
ListMember MemberOf(ListPlace place, std::string_view key);

}  // namespace mk8s::kube
