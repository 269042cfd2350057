// A header section as it arrives, field by field, from nghttp2's decoder; then the head or the
// trailers that it means.  nghttp2 has checked by then what RFC 9113 section 8 asks of names,
// values, pseudo-header fields and their order.  A connection needs one: sections do not
// interleave.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "h2/session.h"
#include "http/message.h"

namespace mk8s::h2 {

class HeaderBlock {
 public:
  explicit HeaderBlock(const Options& options) : options_(options) {}

  void Begin();
  void Add(std::string_view name, std::string_view value);

  /// Over a bound in bytes or in number; what came after it was dropped.
  bool too_large() const { return too_large_; }
  bool target_too_long() const { return target_too_long_; }
  bool expects_continue() const { return expects_continue_; }
  /// Host and :authority name different servers, which makes a request malformed (section 8.3.1).
  bool authority_conflicts() const;
  /// The three digits of :status; 0 if there is none.
  int status() const { return status_; }

  /// Each takes what was added; once.
  http::RequestHead TakeRequest();
  http::ResponseHead TakeResponse();
  http::Fields TakeTrailers();

 private:
  void AddPseudo(std::string_view name, std::string_view value);
  http::Fields TakeFields();

  const Options& options_;
  http::RequestHead head_;
  http::Fields fields_;
  std::string cookie_;
  std::optional<std::string> host_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  int status_ = 0;
  bool too_large_ = false;
  bool target_too_long_ = false;
  bool expects_continue_ = false;
};

}  // namespace mk8s::h2
