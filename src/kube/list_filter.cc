// See list_filter.h; the work is in list_editor.
#include "kube/list_filter.h"

#include <utility>

#include "kube/list_editor.h"

namespace mk8s::kube {

ListFilter::ListFilter(ListShape shape, ListFilterRules rules)
    : editor_(std::make_unique<ListEditor>(shape, std::move(rules))) {}
ListFilter::ListFilter(ListFilter&&) noexcept = default;
ListFilter& ListFilter::operator=(ListFilter&&) noexcept = default;
ListFilter::~ListFilter() = default;

Result<void> ListFilter::Write(std::string_view chunk, std::string& out) {
  return editor_->Write(chunk, out);
}

Result<void> ListFilter::Finish() { return editor_->Finish(); }

}  // namespace mk8s::kube
