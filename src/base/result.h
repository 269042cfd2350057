// Result<T>: a value or an Error, spelled like std::expected, which g++ 12 lacks in C++20.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace mk8s {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// Precondition of the four below: has_value().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Precondition: !has_value().
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  template <typename U>
  T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

/// Returns the error of a Result-valued expression from the enclosing function; the value is
/// dropped.
#define MK8S_RETURN_IF_ERROR(expression) \
  MK8S_RETURN_IF_ERROR_AS(MK8S_CONCAT(mk8s_result_, __COUNTER__), expression)
// The name is one of its own so that an expression may hold a lambda that uses the macro too.
#define MK8S_RETURN_IF_ERROR_AS(result, expression) \
  do {                                              \
    if (auto result = (expression); !result) {      \
      return std::move(result).error();             \
    }                                               \
  } while (false)

#define MK8S_CONCAT_INNER(a, b) a##b
#define MK8S_CONCAT(a, b) MK8S_CONCAT_INNER(a, b)

/// MK8S_ASSIGN_OR_RETURN(auto x, F()): declares x from F()'s value, or returns F()'s error.
#define MK8S_ASSIGN_OR_RETURN(declaration, expression)             \
  auto MK8S_CONCAT(mk8s_result_, __LINE__) = (expression);         \
  if (!MK8S_CONCAT(mk8s_result_, __LINE__))                        \
    return std::move(MK8S_CONCAT(mk8s_result_, __LINE__)).error(); \
  declaration = *std::move(MK8S_CONCAT(mk8s_result_, __LINE__))

}  // namespace mk8s
