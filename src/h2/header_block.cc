// See header_block.h.
#include "h2/header_block.h"

#include <utility>

#include "base/text.h"

namespace mk8s::h2 {
namespace {

// What HPACK's table would add for each field: RFC 9113 section 6.5.2.
constexpr std::size_t kFieldOverheadBytes = 32;
// What a request or a response of Kubernetes has, so that the list is allocated once.
constexpr std::size_t kFieldsUsual = 12;

}  // namespace

void HeaderBlock::Begin() {
  head_ = {};
  fields_ = {};
  cookie_.clear();
  host_.reset();
  bytes_ = count_ = 0;
  status_ = 0;
  too_large_ = target_too_long_ = expects_continue_ = false;
}

void HeaderBlock::Add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  ++count_;
  if (name == ":path" && value.size() > options_.target_bytes_max) {
    target_too_long_ = true;
    return;
  }
  if (bytes_ > options_.header_bytes_max || count_ > options_.header_fields_max) {
    too_large_ = true;
    return;
  }
  if (name.starts_with(':')) {
    AddPseudo(name, value);
  } else if (name == "cookie") {
    // Crumbs: RFC 9113 section 8.2.3.
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
  } else if (name == "host") {
    host_ = std::string(value);
  } else if (name == "expect" && EqualsIgnoreCase(value, "100-continue")) {
    expects_continue_ = true;
  } else {
    if (fields_.empty()) fields_.Reserve(kFieldsUsual);
    fields_.AddLower(name, value);
  }
}

void HeaderBlock::AddPseudo(std::string_view name, std::string_view value) {
  if (name == ":path") {
    head_.target = value;
  } else if (name == ":method") {
    head_.method = value;
  } else if (name == ":authority") {
    head_.authority = value;
  } else if (name == ":protocol") {
    head_.protocol = value;
  } else if (name == ":status" && value.size() == 3) {
    status_ = 0;
    for (char digit : value) status_ = status_ * 10 + (digit - '0');
  }
}

bool HeaderBlock::authority_conflicts() const {
  return host_ && !head_.authority.empty() && !EqualsIgnoreCase(*host_, head_.authority);
}

http::Fields HeaderBlock::TakeFields() {
  if (!cookie_.empty()) fields_.AddLower("cookie", cookie_);
  return std::move(fields_);
}

http::RequestHead HeaderBlock::TakeRequest() {
  if (host_ && head_.authority.empty()) head_.authority = std::move(*host_);
  head_.fields = TakeFields();
  return std::move(head_);
}

http::ResponseHead HeaderBlock::TakeResponse() {
  return http::ResponseHead{.status = status_, .protocol = {}, .fields = TakeFields()};
}

http::Fields HeaderBlock::TakeTrailers() { return TakeFields(); }

}  // namespace mk8s::h2
