// See protobuf_wire.h.
#include "kube/protobuf_wire.h"

namespace mk8s::kube {
namespace {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::optional<std::uint64_t> TakeVarint(std::string_view& message) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !message.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(message.front());
    message.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> TakeBytes(std::string_view& message, std::uint64_t size) {
  if (size > message.size()) return std::nullopt;
  const std::string_view bytes = message.substr(0, size);
  message.remove_prefix(size);
  return bytes;
}

void AppendVarint(std::string& message, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) message += static_cast<char>((value & 0x7f) | 0x80);
  message += static_cast<char>(value);
}

}  // namespace

std::optional<WireField> TakeField(std::string_view& message) {
  std::string_view rest = message;
  const std::optional<std::uint64_t> tag = TakeVarint(rest);
  if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > 0x1fffffff) return std::nullopt;
  WireField field{.number = static_cast<std::uint32_t>(*tag >> 3)};
  const auto type = static_cast<std::uint32_t>(*tag & 7);
  if (type == kVarint) {
    const std::optional<std::uint64_t> value = TakeVarint(rest);
    if (!value) return std::nullopt;
    field.varint = *value;
  } else if (type == kBytes) {
    const std::optional<std::uint64_t> size = TakeVarint(rest);
    const std::optional<std::string_view> bytes = size ? TakeBytes(rest, *size) : std::nullopt;
    if (!bytes) return std::nullopt;
    field.bytes = *bytes;
  } else if (type == kFixed64 || type == kFixed32) {
    if (!TakeBytes(rest, type == kFixed64 ? 8 : 4)) return std::nullopt;
  } else {
    return std::nullopt;  // groups are long gone
  }
  message = rest;
  return field;
}

std::string_view FindBytes(std::string_view message, std::uint32_t number) {
  std::string_view found;
  while (const std::optional<WireField> field = TakeField(message)) {
    if (field->number == number) found = field->bytes;
  }
  return found;
}

bool IsWellFormed(std::string_view message) {
  while (TakeField(message)) {
  }
  return message.empty();
}

void AppendBytes(std::string& message, std::uint32_t number, std::string_view bytes) {
  AppendVarint(message, std::uint64_t{number} << 3 | kBytes);
  AppendVarint(message, bytes.size());
  message += bytes;
}

void AppendBool(std::string& message, std::uint32_t number, bool value) {
  if (!value) return;  // the default is not written
  AppendVarint(message, std::uint64_t{number} << 3 | kVarint);
  AppendVarint(message, 1);
}

}  // namespace mk8s::kube
