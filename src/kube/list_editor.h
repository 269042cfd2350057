// The list filter's inside: follows the tokens of a list or a watch, holds what is undecided, and
// cuts out what must not pass.  Behind kube/list_filter.h, which says what comes of what; members
// are recognised by kube/list_grammar.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "kube/json_scanner.h"
#include "kube/list_filter.h"
#include "kube/list_grammar.h"

namespace mk8s::kube {

class ListEditor {
 public:
  ListEditor(ListShape shape, ListFilterRules rules) : shape_(shape), rules_(std::move(rules)) {}
  ListEditor(const ListEditor&) = delete;  // sink_ points inside
  ListEditor& operator=(const ListEditor&) = delete;

  Result<void> Write(std::string_view chunk, std::string& out);
  Result<void> Finish();

 private:
  using Token = JsonScanner::Token;

  // A container that is looked into.
  struct Level {
    ListPlace place;
    std::uint32_t seen = 0;  // a bit for each ListMember
    bool Has(ListMember member) const { return (seen >> static_cast<int>(member) & 1) != 0; }
  };
  // An object of metav1 says what it is by these, before all else.
  struct Type {
    std::string kind;
    std::string api_version;
    bool IsTable() const;
    bool IsStatus() const;
  };

  // All that return bool return false after Refuse().
  bool Take(Token token, std::string& out);
  bool TakeKey();
  bool TakeValue(Token token, std::string& out);
  bool TakeTop(Token token);
  bool TakeText(Token token, std::string& into);
  bool TakeMetadata(Token token);
  bool TakeContinue(Token token);
  bool TakeArray(Token token, std::string& out);
  bool TakeElement(Token token);
  bool TakeObject(Token token);
  bool TakeEnd(std::string& out);
  void BeginElement(ListPlace place);
  bool EndObjectMeta(const Level& meta);
  bool EndElement(std::string& out);
  bool EndList(const Level& list, std::string& out);

  void BeginEvent();
  bool CheckEventType();
  bool SettleEventMember();
  bool EndColumns();
  bool EndEventObject(const Level& object);
  bool EndEvent(const Level& event, std::string& out);
  // Of the event: it does not always pass; its object's own metadata decides.
  bool EventIsFiltered() const;
  bool DecidedAsObject() const;

  void Enter(ListPlace place) { levels_[depth_++] = {place}; }
  Level& level() { return levels_[depth_ - 1]; }
  bool Seen(ListMember member) { return level().Has(member); }

  // Moves what the scanner has taken, less `but_last_bytes`, to the sink.
  bool Sync(std::size_t but_last_bytes = 0);
  // Does so; from here on the text goes to `sink`, null: nowhere.
  bool Redirect(std::string* sink, std::size_t but_last_bytes = 0);
  void Release(std::string& out);     // what is held may pass
  void Forget(std::size_t from);      // what is held from there on may not
  bool Refuse(std::string_view why);  // for good

  const ListShape shape_;
  const ListFilterRules rules_;
  JsonScanner scanner_;
  std::optional<Error> failure_;

  // What is between copied_ and next_ of the current chunk has been taken but not moved.
  const char* copied_ = nullptr;
  const char* next_ = nullptr;
  std::string held_;  // undecided
  std::string* sink_ = nullptr;

  std::array<Level, 8> levels_{};
  std::size_t depth_ = 0;
  ListMember member_ = ListMember::kOther;  // whose value comes next
  bool list_ended_ = false;

  Type type_;               // of the list, or of the event's object
  std::string event_type_;  // ADDED, ...
  std::string name_;        // of the object being decided
  std::string namespace_;
  std::size_t element_begin_ = 0;  // in held_: of the item, row or event, with its comma
  bool element_decided_ = false;
  bool element_admitted_ = false;
  bool any_admitted_ = false;  // of the array so far
  bool meta_empty_ = true;     // of the list's metadata so far
  std::string columns_;        // column definitions that are still owed to the client
  std::string new_columns_;
};

}  // namespace mk8s::kube
