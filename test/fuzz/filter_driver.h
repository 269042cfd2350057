// The list filter under any bytes: however they are cut, it hands out the same; what it accepts is
// JSON again, in which no object is outside the grant.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "kube/list_filter.h"

namespace mk8s::fuzz {

namespace json = boost::json;

inline void Require(bool holds) {
  if (!holds) std::abort();
}

inline bool Admits(std::string_view namespace_, std::string_view name) {
  return namespace_ == "a" || (namespace_.empty() && name.starts_with("ok"));
}

struct Filtered {
  bool good = false;
  std::string text;
  bool operator==(const Filtered&) const = default;
};

// `seed` decides where the input is cut; 0: nowhere.
inline Filtered Filter(kube::ListShape shape, std::string_view input, std::uint32_t seed) {
  kube::ListFilter filter(shape, {Admits, [](std::string_view token) -> Result<std::string> {
                                    return "<" + std::string(token);
                                  }});
  Filtered filtered;
  while (!input.empty()) {
    seed = seed * 1664525 + 1013904223;
    const std::size_t size = seed == 1013904223 ? input.size() : 1 + (seed >> 24) % 16;
    // A copy of its own, so that reading beyond it is seen.
    const std::string chunk(input.substr(0, size));
    input.remove_prefix(chunk.size());
    if (!filter.Write(chunk, filtered.text)) return filtered;
    if (seed == 1013904223) seed = 0;
  }
  filtered.good = filter.Finish().has_value();
  return filtered;
}

inline const json::object* ObjectAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

inline std::string_view TextAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

inline void CheckObject(const json::object* object) {
  Require(object != nullptr);
  const json::object* metadata = ObjectAt(*object, "metadata");
  Require(metadata != nullptr && !TextAt(*metadata, "name").empty());
  Require(Admits(TextAt(*metadata, "namespace"), TextAt(*metadata, "name")));
}

inline void CheckElements(const json::object& list, std::string_view key) {
  const json::value* elements = list.if_contains(key);
  if (elements == nullptr || elements->is_null()) return;
  for (const json::value& element : elements->as_array()) {
    Require(element.is_object());
    CheckObject(key == "rows" ? ObjectAt(element.get_object(), "object") : element.if_object());
  }
}

inline void CheckListMeta(const json::object& list) {
  const json::object* metadata = ObjectAt(list, "metadata");
  if (metadata == nullptr) return;
  Require(!metadata->contains("remainingItemCount"));
  const std::string_view token = TextAt(*metadata, "continue");
  Require(token.empty() || token.starts_with('<'));
}

inline void CheckList(const json::object& list) {
  CheckListMeta(list);
  CheckElements(list, "items");
  CheckElements(list, "rows");
}

inline void CheckEvent(const json::object& event) {
  const std::string_view type = TextAt(event, "type");
  const json::object* object = ObjectAt(event, "object");
  Require(object != nullptr);
  const bool table = TextAt(*object, "kind") == "Table" &&
                     TextAt(*object, "apiVersion").starts_with("meta.k8s.io/");
  if (table || type == "ERROR") CheckListMeta(*object);
  if (type == "BOOKMARK" || type == "ERROR") return;
  if (!table) return CheckObject(object);
  CheckElements(*object, "rows");
  Require(!object->at("rows").as_array().empty());
}

// What one reader of JSON refuses and others let be, where it decides nothing.
inline bool IsMatterOfTaste(const json::error_code& error) {
  return error == json::error::exponent_overflow || error == json::error::too_deep;
}

// So are lone surrogates: all escaped surrogates become an A.
inline void ReplaceSurrogates(std::string& text) {
  for (std::size_t i = 0; i + 6 <= text.size(); ++i) {
    if (text[i] != '\\') continue;
    const bool surrogate = text[i + 1] == 'u' && (text[i + 2] | 0x20) == 'd' && text[i + 3] > '7';
    if (surrogate) text.replace(i + 2, 4, "0041");
    ++i;
  }
}

inline void Fuzz(kube::ListShape shape, std::string_view input, std::uint32_t seed) {
  const Filtered whole = Filter(shape, input, 0);
  Require(Filter(shape, input, seed + 1) == whole);
  if (!whole.good || !IsUtf8(whole.text)) return;
  std::string text = whole.text;
  ReplaceSurrogates(text);
  std::string_view rest = TrimSpace(text);
  json::parse_options options;
  options.max_depth = 200;
  json::stream_parser parser({}, options);
  while (!rest.empty()) {
    json::error_code error;
    parser.reset();
    const std::size_t size = parser.write_some(rest.data(), rest.size(), error);
    if (IsMatterOfTaste(error)) return;
    Require(!error && parser.done());
    rest = TrimSpace(rest.substr(size));
    const json::value value = parser.release();
    Require(value.is_object());
    if (shape == kube::ListShape::kWatch) {
      CheckEvent(value.get_object());
    } else {
      Require(rest.empty());
      CheckList(value.get_object());
    }
  }
}

}  // namespace mk8s::fuzz
