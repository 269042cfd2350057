// A string that does not print: tokens, passwords, keys.  Its bytes are wiped when it dies.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace mk8s {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The one way to the bytes; grep for it to see who handles secrets.
  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "[secret]"; }

 private:
  void Wipe();
  std::string value_;
};

/// Compares without a data-dependent branch; lengths may show.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace mk8s
