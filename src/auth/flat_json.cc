// See flat_json.h.  A handler for Boost.JSON's event parser; its own DOM would keep the last of two
// members with one name.
#include "auth/flat_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace mk8s::auth {
namespace {

using boost::json::error_code;
using boost::json::string_view;

struct FlatHandler {
  static constexpr std::size_t max_object_size = 32;
  static constexpr std::size_t max_array_size = 0;
  static constexpr std::size_t max_key_size = 256;
  static constexpr std::size_t max_string_size = 4096;

  FlatObject object;
  std::string part;  // of a key or string that comes in pieces
  std::string key;
  int depth = 0;

  static bool Refuse(error_code& error) {
    error = boost::json::error::syntax;
    return false;
  }
  template <typename Value>
  bool Add(Value value, error_code& error) {
    return object.emplace(std::move(key), std::move(value)).second || Refuse(error);
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& error) { return ++depth == 1 || Refuse(error); }
  bool on_object_end(std::size_t, error_code&) { return true; }
  bool on_array_begin(error_code& error) { return Refuse(error); }
  bool on_array_end(std::size_t, error_code& error) { return Refuse(error); }
  bool on_key_part(string_view text, std::size_t, error_code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_key(string_view text, std::size_t, error_code&) {
    part.append(text.data(), text.size());
    key = std::exchange(part, {});
    return true;
  }
  bool on_string_part(string_view text, std::size_t, error_code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_string(string_view text, std::size_t, error_code& error) {
    part.append(text.data(), text.size());
    return depth == 1 ? Add(std::exchange(part, {}), error) : Refuse(error);
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, string_view, error_code& error) {
    return depth == 1 ? Add(value, error) : Refuse(error);
  }
  bool on_uint64(std::uint64_t, string_view, error_code& error) { return Refuse(error); }
  bool on_double(double, string_view, error_code& error) { return Refuse(error); }
  bool on_bool(bool, error_code& error) { return Refuse(error); }
  bool on_null(error_code& error) { return Refuse(error); }
  bool on_comment_part(string_view, error_code& error) { return Refuse(error); }
  bool on_comment(string_view, error_code& error) { return Refuse(error); }
};

}  // namespace

Result<FlatObject> ParseFlatJson(std::string_view text) {
  boost::json::basic_parser<FlatHandler> parser(boost::json::parse_options{});
  error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error || !parser.done() || used != text.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "not a flat JSON object");
  }
  return std::move(parser.handler().object);
}

std::string JsonText(std::string_view text) {
  return boost::json::serialize(boost::json::string(text.data(), text.size()));
}

}  // namespace mk8s::auth
