// See list_editor.h: the events of a watch, and the Tables in them.
//
// kube-apiserver writes an event's type before its object, and kind and apiVersion before all that
// decides (typed objects by the order of their fields, custom resources sorted), so an event can be
// decided while it is read.
#include "base/text.h"
#include "kube/list_editor.h"

namespace mk8s::kube {

void ListEditor::BeginEvent() {
  BeginElement(ListPlace::kEvent);
  type_ = {};
  any_admitted_ = false;
}

bool ListEditor::CheckEventType() {
  for (const std::string_view known : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"}) {
    if (event_type_ == known) return true;
  }
  return Refuse("an event of an unknown type");
}

bool ListEditor::EventIsFiltered() const {
  return event_type_ != "BOOKMARK" && event_type_ != "ERROR";
}

bool ListEditor::DecidedAsObject() const { return EventIsFiltered() && !type_.IsTable(); }

// What a member of an event's object is depends on the event: of a Table the rows count, of other
// objects their own metadata; what always passes may be anything.
bool ListEditor::SettleEventMember() {
  if (member_ == ListMember::kOther || member_ == ListMember::kKind ||
      member_ == ListMember::kApiVersion) {
    return true;
  }
  const bool typed = Seen(ListMember::kKind) && Seen(ListMember::kApiVersion);
  if (!typed && EventIsFiltered()) return Refuse("an event's object without a kind");
  if (member_ == ListMember::kMetadata) {
    // A bookmark's metadata has annotations that must arrive, and no `continue`.
    if (event_type_ == "BOOKMARK" && !type_.IsTable()) member_ = ListMember::kOther;
    return true;
  }
  const bool of_table = type_.IsTable() && event_type_ != "ERROR";
  const bool rows_pass = member_ == ListMember::kRows && !EventIsFiltered();
  if (!of_table || rows_pass) member_ = ListMember::kOther;
  return true;
}

bool ListEditor::EndColumns() {
  if (!Redirect(&held_)) return false;
  const std::string_view columns = TrimSpace(new_columns_);
  if (columns != "null" && columns != "[]") columns_.assign(columns);
  held_ += columns_.empty() ? columns : columns_;
  new_columns_.clear();
  return true;
}

bool ListEditor::EndEventObject(const Level& object) {
  const bool table = type_.IsTable() && event_type_ != "ERROR";
  if (!table || columns_.empty() || object.Has(ListMember::kColumnDefinitions)) return true;
  if (!Sync(1)) return false;
  held_ += ",\"columnDefinitions\":";
  held_ += columns_;
  return true;
}

bool ListEditor::EndEvent(const Level& event, std::string& out) {
  if (!event.Has(ListMember::kObject)) return Refuse("an event without an object");
  if (DecidedAsObject() && !element_decided_) return Refuse("an object has no metadata");
  if (!Redirect(nullptr)) return false;
  const bool table = type_.IsTable();
  const bool passes = !EventIsFiltered() || (table ? any_admitted_ : element_admitted_);
  if (!passes) {
    Forget(0);
    return true;
  }
  Release(out);
  out += '\n';
  if (table) columns_.clear();
  return true;
}

}  // namespace mk8s::kube
