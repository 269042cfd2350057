// JSON by the token, as it streams by: what the list filter looks at reports itself, everything
// else is skipped at the speed of memory.  The lowest step of a filtered list.
//
// Strict RFC 8259 in structure, numbers and escapes, in constant memory.  Strings that are skipped
// may hold what is no Unicode (bad UTF-8, lone surrogates): kube-apiserver passes raw extensions on
// as they were stored, and one tenant's must not break another's list.  text_whole() tells for
// those that are reported.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace mk8s::kube {

/// Texts one after the other, in chunks cut anywhere.  Any thread, one at a time.
class JsonScanner {
 public:
  enum class Token : std::uint8_t {
    kMore,     // the chunk is used up
    kInvalid,  // not JSON, or deeper than limits::kListDepthMax; the scanner is done for
    kKey,      // with its colon; a value comes next
    kObject,   // entered
    kArray,    // entered
    kEnd,      // the innermost container closed
    kString,
    kScalar,  // a number, true or false
    kNull,
    kSkipped,  // the value after SkipNext() is behind us
  };

  /// Takes from the front of the chunk [next, end) what belongs to the next token.
  Token Next(const char*& next, const char* end);

  /// After kKey: the value that comes is one kSkipped.
  void SkipNext() {
    skipping_ = true;
    skip_floor_ = depth_;
  }

  /// Of the last kKey or kString, decoded; at most limits::kContinueBytesMax, the longest text that
  /// decides anything.
  std::string_view text() const { return text_; }
  /// False when text() is cut, or the string has a lone surrogate.
  bool text_whole() const { return text_whole_; }

  /// True between two texts.
  bool idle() const { return depth_ == 0 && inside_ == Inside::kNothing; }

 private:
  enum class Expect : std::uint8_t { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd };
  // What a token that is cut by a chunk's end goes on with.
  enum class Inside : std::uint8_t { kNothing, kString, kEscape, kHex, kNumber, kLiteral };
  enum class Number : std::uint8_t {
    kStart,
    kMinus,
    kZero,
    kWhole,
    kDot,
    kFraction,
    kE,
    kSign,
    kExponent
  };
  enum class Step : std::uint8_t { kMore, kInvalid, kDone };

  // These take the byte at a place where nothing is begun; kMore: nothing to report yet.
  Token TakeByte(char byte);
  Token TakeValue(char byte);
  Token Open(bool object);
  Token Close(char byte);
  Token Begin(Inside inside);
  // A value, or a key, has ended.
  Token EndValue(Token token);
  Token EndToken();
  // These take what a begun token goes on with.
  Step GoOn(const char*& next, const char* end);
  Step GoOnString(const char*& next, const char* end);
  Step GoOnNumber(const char*& next, const char* end);
  Step GoOnLiteral(const char*& next, const char* end);
  bool Escape(char letter);
  bool HexDigit(char digit);
  void AddCodeUnit(std::uint32_t unit);
  void AddText(std::string_view bytes);
  bool InObject() const { return objects_[(depth_ - 1) / 64] >> (depth_ - 1) % 64 & 1; }

  Expect expect_ = Expect::kValue;
  Inside inside_ = Inside::kNothing;
  Number number_ = Number::kStart;
  bool skipping_ = false;
  bool text_whole_ = true;
  std::uint8_t hex_digits_ = 0;
  std::uint32_t code_unit_ = 0;
  std::uint32_t high_surrogate_ = 0;  // 0: none waits for its other half
  Token value_ = Token::kScalar;      // what is begun
  std::string_view literal_rest_;
  std::size_t depth_ = 0;
  std::size_t skip_floor_ = 0;
  std::string text_;
  // A bit for each open container: is it an object?
  std::array<std::uint64_t, (limits::kListDepthMax + 63) / 64> objects_{};
};

}  // namespace mk8s::kube
