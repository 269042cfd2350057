// See list_editor.h: the way of the tokens through a list, its metadata and its elements.  What is
// special about watches is in list_editor_watch.cc.
#include "kube/list_editor.h"

#include <boost/json/serialize.hpp>

#include "base/limits.h"
#include "base/text.h"

namespace mk8s::kube {
namespace {

// No key is known by this: stands for one that is too long or no Unicode.
constexpr std::string_view kNoText = "\xFF";
// Room that stays for the next object; more was for an unusual one, and watches live long.
constexpr std::size_t kRoomKeptBytes = 256 * 1024;

}  // namespace

bool ListEditor::Type::IsTable() const {
  return kind == "Table" && api_version.starts_with("meta.k8s.io/");
}

bool ListEditor::Type::IsStatus() const { return kind == "Status" && api_version == "v1"; }

Result<void> ListEditor::Write(std::string_view chunk, std::string& out) {
  if (failure_) return *failure_;
  copied_ = next_ = chunk.data();
  const char* const end = next_ + chunk.size();
  for (;;) {
    const Token token = scanner_.Next(next_, end);
    if (token == Token::kMore) break;
    if (!Take(token, out)) return *failure_;
  }
  if (!Sync()) return *failure_;
  return {};
}

Result<void> ListEditor::Finish() {
  if (failure_) return *failure_;
  const bool whole = depth_ == 0 && scanner_.idle() && (list_ended_ || shape_ == ListShape::kWatch);
  if (!whole) static_cast<void>(Refuse("it ends too early"));
  if (failure_) return *failure_;
  return {};
}

bool ListEditor::Refuse(std::string_view why) {
  failure_ = MakeError(ErrorCode::kBadGateway,
                       "the cluster's answer cannot be filtered by namespaces and names, so it is "
                       "withheld; ask an administrator to look at mk8s-central's log",
                       "filter of a list or watch: " + std::string(why));
  return false;
}

bool ListEditor::Sync(std::size_t but_last_bytes) {
  const char* const end = next_ - but_last_bytes;
  if (sink_ != nullptr && copied_ != end) {
    const std::size_t bytes = static_cast<std::size_t>(end - copied_);
    if (sink_->size() + bytes > limits::kListItemBytesMax) return Refuse("an object is too large");
    sink_->append(copied_, bytes);
  }
  copied_ = end;
  return true;
}

bool ListEditor::Redirect(std::string* sink, std::size_t but_last_bytes) {
  if (!Sync(but_last_bytes)) return false;
  sink_ = sink;
  return true;
}

void ListEditor::Release(std::string& out) {
  out.append(held_);
  Forget(0);
}

void ListEditor::Forget(std::size_t from) {
  held_.resize(from);
  if (from == 0 && held_.capacity() > kRoomKeptBytes) held_ = {};
}

bool ListEditor::Take(Token token, std::string& out) {
  switch (token) {
    case Token::kInvalid:
      return Refuse("it is no JSON, or nested too deep");
    case Token::kKey:
      return TakeKey();
    case Token::kEnd:
      return TakeEnd(out);
    default:
      return TakeValue(token, out);
  }
}

bool ListEditor::TakeKey() {
  const ListPlace place = level().place;
  member_ = MemberOf(place, scanner_.text_whole() ? scanner_.text() : kNoText);
  if (place == ListPlace::kEventObject && !SettleEventMember()) return false;
  if (place == ListPlace::kList && member_ == ListMember::kUnknown && type_.IsStatus()) {
    member_ = ListMember::kOther;
  }
  switch (member_) {
    case ListMember::kUnknown:
      return Refuse("a member that is not known there");
    case ListMember::kOther:
      scanner_.SkipNext();
      return true;
    case ListMember::kKept:
      if (!std::exchange(meta_empty_, false)) held_ += ',';
      held_ += '"';
      held_ += scanner_.text();
      held_ += "\":";
      return Redirect(&held_);
    default:
      break;
  }
  if (Seen(member_)) return Refuse("a member that decides is there twice");
  level().seen |= 1U << static_cast<int>(member_);
  if (member_ != ListMember::kColumnDefinitions) return true;
  scanner_.SkipNext();
  return place == ListPlace::kList || Redirect(&new_columns_);
}

bool ListEditor::TakeValue(Token token, std::string& out) {
  if (depth_ == 0) return TakeTop(token);
  const ListPlace place = level().place;
  if (place == ListPlace::kItems || place == ListPlace::kRows) return TakeElement(token);
  switch (member_) {
    case ListMember::kKind:
      return TakeText(token, type_.kind);
    case ListMember::kApiVersion:
      return TakeText(token, type_.api_version);
    case ListMember::kName:
      return TakeText(token, name_);
    case ListMember::kNamespace:
      return TakeText(token, namespace_);
    case ListMember::kType:
      return TakeText(token, event_type_) && CheckEventType();
    case ListMember::kMetadata:
      return TakeMetadata(token);
    case ListMember::kItems:
    case ListMember::kRows:
      return TakeArray(token, out);
    case ListMember::kObject:
      return TakeObject(token);
    case ListMember::kContinue:
      return TakeContinue(token);
    case ListMember::kKept:
      if (token == Token::kObject || token == Token::kArray) return Refuse("metadata is nested");
      return Redirect(nullptr);
    case ListMember::kColumnDefinitions:
      return place == ListPlace::kList || EndColumns();
    case ListMember::kOther:
    case ListMember::kUnknown:
      break;
  }
  return true;
}

bool ListEditor::TakeTop(Token token) {
  if (token != Token::kObject) return Refuse("it is no object");
  if (shape_ == ListShape::kList) {
    if (list_ended_) return Refuse("something follows the list");
    Enter(ListPlace::kList);
  } else {
    BeginEvent();
  }
  return Redirect(&held_, 1);
}

bool ListEditor::TakeText(Token token, std::string& into) {
  const std::string_view text = scanner_.text();
  if (token != Token::kString || !scanner_.text_whole() || !IsUtf8(text)) {
    return Refuse("a text that decides is none");
  }
  into.assign(text);
  return true;
}

bool ListEditor::TakeMetadata(Token token) {
  const ListPlace place = level().place;
  const bool of_list =
      place == ListPlace::kList || (place == ListPlace::kEventObject && !DecidedAsObject());
  if (of_list && token == Token::kNull) return true;
  if (token != Token::kObject) return Refuse("metadata is no object");
  if (!of_list) {
    Enter(ListPlace::kObjectMeta);
    return true;
  }
  Enter(ListPlace::kListMeta);
  meta_empty_ = true;
  return Redirect(nullptr);
}

// An empty `continue` stays: it means the end.
bool ListEditor::TakeContinue(Token token) {
  if (token == Token::kNull) return true;
  std::string cluster_continue, sealed;
  if (!TakeText(token, cluster_continue)) return false;
  if (!cluster_continue.empty()) {
    Result<std::string> result = rules_.seal_continue(cluster_continue);
    if (!result) {
      failure_ = std::move(result).error();
      return false;
    }
    sealed = *std::move(result);
  }
  if (!std::exchange(meta_empty_, false)) held_ += ',';
  held_ += "\"continue\":";
  held_ += boost::json::serialize(boost::json::string_view(sealed));
  return true;
}

bool ListEditor::TakeArray(Token token, std::string& out) {
  const bool rows = member_ == ListMember::kRows;
  if (level().place == ListPlace::kList && rows != type_.IsTable()) {
    return Refuse(rows ? "rows, but no Table" : "a Table's items");
  }
  if (token == Token::kNull) return true;
  if (token != Token::kArray) return Refuse("the items or rows are no array");
  if (!Redirect(nullptr)) return false;
  if (shape_ == ListShape::kList) Release(out);
  Enter(rows ? ListPlace::kRows : ListPlace::kItems);
  any_admitted_ = false;
  return true;
}

bool ListEditor::TakeElement(Token token) {
  if (token != Token::kObject) return Refuse("an item or row is no object");
  if (!Sync(1)) return false;  // the comma before it
  const bool row = level().place == ListPlace::kRows;
  BeginElement(row ? ListPlace::kRow : ListPlace::kItem);
  if (any_admitted_) held_ += ',';
  return Redirect(&held_, 1);
}

void ListEditor::BeginElement(ListPlace place) {
  Enter(place);
  element_begin_ = held_.size();
  element_decided_ = element_admitted_ = false;
  name_.clear();
  namespace_.clear();
}

bool ListEditor::TakeObject(Token token) {
  if (token != Token::kObject) return Refuse("an event's or a row's object is none");
  if (level().place == ListPlace::kRow) {
    Enter(ListPlace::kItem);
    return true;
  }
  if (!Seen(ListMember::kType)) return Refuse("an event's object comes before its type");
  Enter(ListPlace::kEventObject);
  return true;
}

bool ListEditor::TakeEnd(std::string& out) {
  const Level ended = levels_[--depth_];
  switch (ended.place) {
    case ListPlace::kList:
      return EndList(ended, out);
    case ListPlace::kListMeta:
    case ListPlace::kItems:
    case ListPlace::kRows:
      return Redirect(&held_, 1);
    case ListPlace::kItem:
      if (level().place == ListPlace::kRow) return true;
      return EndElement(out);
    case ListPlace::kRow:
      return EndElement(out);
    case ListPlace::kObjectMeta:
      return EndObjectMeta(ended);
    case ListPlace::kEventObject:
      return EndEventObject(ended);
    case ListPlace::kEvent:
      return EndEvent(ended, out);
  }
  return false;
}

// A rejected object is not held any longer, so that its size does not matter.
bool ListEditor::EndObjectMeta(const Level& meta) {
  if (!meta.Has(ListMember::kName) || name_.empty()) return Refuse("an object has no name");
  element_decided_ = true;
  element_admitted_ = rules_.admits(namespace_, name_);
  if (element_admitted_) return true;
  if (!Redirect(nullptr)) return false;
  Forget(element_begin_);
  return true;
}

bool ListEditor::EndElement(std::string& out) {
  if (!element_decided_) return Refuse("an object has no metadata");
  if (!Redirect(nullptr)) return false;
  if (!element_admitted_) return true;
  any_admitted_ = true;
  if (shape_ == ListShape::kList) Release(out);
  return true;
}

// The kind may come after the items, as in lists of custom resources, whose members are sorted.
bool ListEditor::EndList(const Level& list, std::string& out) {
  const bool items = list.Has(ListMember::kItems), rows = list.Has(ListMember::kRows);
  const bool good = rows    ? !items && type_.IsTable()
                    : items ? !type_.IsTable() && !type_.IsStatus()
                            : type_.IsStatus();
  if (!good || (!rows && list.Has(ListMember::kColumnDefinitions))) {
    return Refuse("it is neither a list nor a Table nor a Status");
  }
  if (!Redirect(nullptr)) return false;
  Release(out);
  list_ended_ = true;
  return true;
}

}  // namespace mk8s::kube
