// Lists and watches for users who may see only some of the objects in them: a push filter over the
// JSON that the cluster sends.  Behind the decision on a request's way, between the tunnel's
// response and the client, where the grant is narrower than the request.
//
// It edits the text as it streams by: bytes of admitted objects pass verbatim, others vanish.  It
// holds one object at a time, however long the list is, and of a rejected one only what comes
// before its metadata.  It fails closed: what it does not understand is an error, after which the
// response must be cut, and nothing undecided has been handed out by then.
//
// What it understands is what kube-apiserver writes: a list (`items`), a Table (`rows`, decided by
// `rows[].object.metadata`, so the request must not say includeObject=None), a lone Status, and
// watch events of objects, Tables or a Status (apimachinery pkg/apis/meta/v1: types.go, watch.go).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::kube {

enum class ListShape {
  kList,   // one list, Table or Status
  kWatch,  // events one after the other
};

struct ListFilterRules {
  /// True: the object of this name and namespace ("" for none) may be seen.  Asked once for each
  /// object, on the caller's thread.
  std::function<bool(std::string_view namespace_, std::string_view name)> admits;
  /// What the client gets for the cluster's `metadata.continue`, which holds the next object's key.
  /// Not asked for an empty one.  An error fails the filter.
  std::function<Result<std::string>(std::string_view continue_)> seal_continue;
};

class ListEditor;

/// One response body.  Any thread, one at a time.
///
/// Of a list's metadata resourceVersion and selfLink are kept, `continue` is replaced, all else
/// (remainingItemCount) is left out; a Status's too, as a 410 Expired may carry a `continue`.
/// BOOKMARK and ERROR events always pass.  A watch's Table has column definitions in its first
/// event only: when that one vanishes, the first that passes gets them.
class ListFilter {
 public:
  ListFilter(ListShape shape, ListFilterRules rules);
  ListFilter(ListFilter&&) noexcept;
  ListFilter& operator=(ListFilter&&) noexcept;
  ~ListFilter();

  /// Takes the next bytes of the body, in chunks of any size, and appends to `out` what may pass;
  /// an event or an item as soon as it is complete.  Error: kBadGateway for text that is not what
  /// is described above and for an admitted object over limits::kListItemBytesMax; every later call
  /// then fails as well.
  Result<void> Write(std::string_view chunk, std::string& out);

  /// The body has ended.  Error: kBadGateway when it is cut off.
  Result<void> Finish();

 private:
  std::unique_ptr<ListEditor> editor_;
};

}  // namespace mk8s::kube
