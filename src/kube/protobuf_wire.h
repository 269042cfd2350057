// The protobuf wire format as far as self reviews need it: varints and length-delimited fields
// (https://protobuf.dev/programming-guides/encoding/).  Kubernetes' messages are not generated here
// because four of them, made of strings, would bring the whole API in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mk8s::kube {

struct WireField {
  std::uint32_t number = 0;
  std::string_view bytes;    // of a length-delimited field, else empty
  std::uint64_t varint = 0;  // of a varint field, else 0
};

/// Takes one field off the front of `message`; nothing at its end or where it is malformed, which
/// `message.empty()` tells apart.  Fixed-width fields are passed over.
std::optional<WireField> TakeField(std::string_view& message);

/// The last value of a string or message field, as protobuf's merging rule has it for strings; ""
/// if absent or malformed.
std::string_view FindBytes(std::string_view message, std::uint32_t number);

/// True if every field of `message` can be read.
bool IsWellFormed(std::string_view message);

void AppendBytes(std::string& message, std::uint32_t number, std::string_view bytes);
void AppendBool(std::string& message, std::uint32_t number, bool value);

}  // namespace mk8s::kube
