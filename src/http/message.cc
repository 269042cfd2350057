// See message.h.
#include "http/message.h"

#include "base/text.h"

namespace mk8s::http {

Fields::Fields(std::initializer_list<Field> fields) {
  for (const Field& field : fields) Add(field.name, field.value);
}

void Fields::Add(std::string_view name, std::string_view value) {
  fields_.push_back(Field{ToLower(name), std::string(value)});
}

void Fields::Set(std::string_view name, std::string_view value) {
  Remove(name);
  Add(name, value);
}

void Fields::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return EqualsIgnoreCase(field.name, name); });
}

std::optional<std::string_view> Fields::Find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Fields::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field& field : fields_) {
    if (field.name == name) values.push_back(field.value);
  }
  return values;
}

bool Fields::HasToken(std::string_view name, std::string_view token) const {
  for (const Field& field : fields_) {
    if (field.name != name) continue;
    for (std::string_view item : Split(field.value, ',')) {
      if (EqualsIgnoreCase(TrimSpace(item), token)) return true;
    }
  }
  return false;
}

}  // namespace mk8s::http
