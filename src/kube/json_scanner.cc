// See json_scanner.h.
#include "kube/json_scanner.h"

#include <bit>
#include <cstring>
#include <utility>

namespace mk8s::kube {
namespace {

static_assert(std::endian::native == std::endian::little, "EndOfRun counts from the low byte");

constexpr std::uint64_t Each(std::uint8_t byte) { return 0x0101010101010101ULL * byte; }

// The high bit of each byte of `word` that is zero; above the lowest of them others may be set.
constexpr std::uint64_t ZeroBytes(std::uint64_t word) {
  return (word - Each(1)) & ~word & Each(128);
}

bool EndsRun(char byte) {
  return byte == '"' || byte == '\\' || static_cast<unsigned char>(byte) < 0x20;
}

// Where a string's run of plain bytes ends: at a quote, a backslash or a control byte.
const char* EndOfRun(const char* next, const char* end) {
  while (end - next >= 8) {
    std::uint64_t word;
    std::memcpy(&word, next, 8);
    const std::uint64_t hits = ZeroBytes(word ^ Each('"')) | ZeroBytes(word ^ Each('\\')) |
                               ((word - Each(0x20)) & ~word & Each(128));
    if (hits != 0) return next + std::countr_zero(hits) / 8;
    next += 8;
  }
  while (next != end && !EndsRun(*next)) ++next;
  return next;
}

bool IsSpace(char byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }
bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }

}  // namespace

JsonScanner::Token JsonScanner::Next(const char*& next, const char* end) {
  for (;;) {
    if (inside_ != Inside::kNothing) {
      const Step step = GoOn(next, end);
      if (step == Step::kMore) return Token::kMore;
      if (step == Step::kInvalid) return Token::kInvalid;
      inside_ = Inside::kNothing;
      const Token token = EndToken();
      if (token != Token::kMore) return token;
    }
    while (next != end && IsSpace(*next)) ++next;
    if (next == end) return Token::kMore;
    const Token token = TakeByte(*next);
    if (token == Token::kInvalid) return token;
    // The first byte of a number or a literal is checked together with the others.
    if (inside_ != Inside::kNumber && inside_ != Inside::kLiteral) ++next;
    if (token != Token::kMore) return token;
  }
}

JsonScanner::Token JsonScanner::TakeByte(char byte) {
  switch (expect_) {
    case Expect::kColon:
      if (byte != ':') return Token::kInvalid;
      expect_ = Expect::kValue;
      return skipping_ ? Token::kMore : Token::kKey;
    case Expect::kCommaOrEnd:
      if (depth_ == 0) return TakeValue(byte);
      if (byte != ',') return Close(byte);
      expect_ = InObject() ? Expect::kKey : Expect::kValue;
      return Token::kMore;
    case Expect::kKeyOrEnd:
      if (byte == '}') return Close(byte);
      [[fallthrough]];
    case Expect::kKey:
      if (byte != '"') return Token::kInvalid;
      value_ = Token::kKey;
      return Begin(Inside::kString);
    case Expect::kValueOrEnd:
      if (byte == ']') return Close(byte);
      [[fallthrough]];
    case Expect::kValue:
      return TakeValue(byte);
  }
  return Token::kInvalid;
}

JsonScanner::Token JsonScanner::TakeValue(char byte) {
  switch (byte) {
    case '{':
      return Open(true);
    case '[':
      return Open(false);
    case '"':
      value_ = Token::kString;
      return Begin(Inside::kString);
    case 't':
      value_ = Token::kScalar;
      literal_rest_ = "true";
      return Begin(Inside::kLiteral);
    case 'f':
      value_ = Token::kScalar;
      literal_rest_ = "false";
      return Begin(Inside::kLiteral);
    case 'n':
      value_ = Token::kNull;
      literal_rest_ = "null";
      return Begin(Inside::kLiteral);
    default:
      value_ = Token::kScalar;
      number_ = Number::kStart;
      return byte == '-' || IsDigit(byte) ? Begin(Inside::kNumber) : Token::kInvalid;
  }
}

JsonScanner::Token JsonScanner::Begin(Inside inside) {
  inside_ = inside;
  if (inside == Inside::kString) {
    text_.clear();
    text_whole_ = true;
  }
  return Token::kMore;
}

JsonScanner::Token JsonScanner::Open(bool object) {
  if (depth_ == limits::kListDepthMax) return Token::kInvalid;
  const std::uint64_t bit = std::uint64_t{1} << depth_ % 64;
  std::uint64_t& word = objects_[depth_ / 64];
  word = object ? word | bit : word & ~bit;
  ++depth_;
  expect_ = object ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
  if (skipping_) return Token::kMore;
  return object ? Token::kObject : Token::kArray;
}

JsonScanner::Token JsonScanner::Close(char byte) {
  if (byte != (InObject() ? '}' : ']')) return Token::kInvalid;
  --depth_;
  return EndValue(Token::kEnd);
}

JsonScanner::Token JsonScanner::EndValue(Token token) {
  expect_ = Expect::kCommaOrEnd;
  if (!skipping_) return token;
  if (depth_ != skip_floor_) return Token::kMore;
  skipping_ = false;
  return Token::kSkipped;
}

JsonScanner::Token JsonScanner::EndToken() {
  if (std::exchange(high_surrogate_, 0) != 0) text_whole_ = false;
  if (value_ != Token::kKey) return EndValue(value_);
  expect_ = Expect::kColon;
  return Token::kMore;
}

JsonScanner::Step JsonScanner::GoOn(const char*& next, const char* end) {
  switch (inside_) {
    case Inside::kNumber:
      return GoOnNumber(next, end);
    case Inside::kLiteral:
      return GoOnLiteral(next, end);
    default:
      return GoOnString(next, end);
  }
}

JsonScanner::Step JsonScanner::GoOnString(const char*& next, const char* end) {
  while (next != end) {
    if (inside_ == Inside::kEscape) {
      if (!Escape(*next++)) return Step::kInvalid;
    } else if (inside_ == Inside::kHex) {
      if (!HexDigit(*next++)) return Step::kInvalid;
    } else {
      const char* const run = next;
      next = EndOfRun(next, end);
      if (next != run) AddText({run, static_cast<std::size_t>(next - run)});
      if (next == end) return Step::kMore;
      const char byte = *next++;
      if (byte == '"') return Step::kDone;
      if (byte != '\\') return Step::kInvalid;
      inside_ = Inside::kEscape;
    }
  }
  return Step::kMore;
}

bool JsonScanner::Escape(char letter) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  inside_ = Inside::kString;
  if (letter == 'u') {
    inside_ = Inside::kHex;
    hex_digits_ = 0;
    code_unit_ = 0;
    return true;
  }
  const std::size_t index = kLetters.find(letter);
  if (index == std::string_view::npos) return false;
  AddText(kMeanings.substr(index, 1));
  return true;
}

bool JsonScanner::HexDigit(char digit) {
  const char lower = static_cast<char>(digit | 0x20);
  if (IsDigit(digit)) {
    code_unit_ = code_unit_ * 16 + static_cast<std::uint32_t>(digit - '0');
  } else if (lower >= 'a' && lower <= 'f') {
    code_unit_ = code_unit_ * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
  } else {
    return false;
  }
  if (++hex_digits_ == 4) {
    inside_ = Inside::kString;
    AddCodeUnit(code_unit_);
  }
  return true;
}

// UTF-16 to UTF-8 (RFC 8259 section 7).
void JsonScanner::AddCodeUnit(std::uint32_t unit) {
  const std::uint32_t high = std::exchange(high_surrogate_, 0);
  const bool low_half = unit >= 0xDC00 && unit <= 0xDFFF;
  if ((high != 0) != low_half) text_whole_ = false;
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_surrogate_ = unit;
    return;
  }
  const std::uint32_t point =
      high != 0 && low_half ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) : unit;
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](int shift) { return byte(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) {
    AddText(std::string{byte(point)});
  } else if (point < 0x800) {
    AddText(std::string{byte(0xC0 | point >> 6), tail(0)});
  } else if (point < 0x10000) {
    AddText(std::string{byte(0xE0 | point >> 12), tail(6), tail(0)});
  } else {
    AddText(std::string{byte(0xF0 | point >> 18), tail(12), tail(6), tail(0)});
  }
}

void JsonScanner::AddText(std::string_view bytes) {
  if (skipping_) return;
  if (high_surrogate_ != 0) {  // something else than its other half
    high_surrogate_ = 0;
    text_whole_ = false;
  }
  if (text_.size() + bytes.size() > limits::kContinueBytesMax) {
    text_whole_ = false;
    return;
  }
  text_.append(bytes);
}

JsonScanner::Step JsonScanner::GoOnNumber(const char*& next, const char* end) {
  for (; next != end; ++next) {
    const char byte = *next;
    const bool digit = IsDigit(byte);
    const bool e = byte == 'e' || byte == 'E';
    switch (number_) {
      case Number::kStart:
        number_ = byte == '-' ? Number::kMinus : byte == '0' ? Number::kZero : Number::kWhole;
        continue;
      case Number::kMinus:
        if (!digit) return Step::kInvalid;
        number_ = byte == '0' ? Number::kZero : Number::kWhole;
        continue;
      case Number::kWhole:
        if (digit) continue;
        [[fallthrough]];
      case Number::kZero:
        if (byte != '.' && !e) return digit ? Step::kInvalid : Step::kDone;
        number_ = e ? Number::kE : Number::kDot;
        continue;
      case Number::kDot:
        if (!digit) return Step::kInvalid;
        number_ = Number::kFraction;
        continue;
      case Number::kFraction:
        if (digit) continue;
        if (!e) return Step::kDone;
        number_ = Number::kE;
        continue;
      case Number::kE:
      case Number::kSign:
        if (number_ == Number::kE && (byte == '+' || byte == '-')) {
          number_ = Number::kSign;
          continue;
        }
        if (!digit) return Step::kInvalid;
        number_ = Number::kExponent;
        continue;
      case Number::kExponent:
        if (digit) continue;
        return Step::kDone;
    }
  }
  return Step::kMore;
}

JsonScanner::Step JsonScanner::GoOnLiteral(const char*& next, const char* end) {
  for (; next != end && !literal_rest_.empty(); ++next) {
    if (*next != literal_rest_.front()) return Step::kInvalid;
    literal_rest_.remove_prefix(1);
  }
  return literal_rest_.empty() ? Step::kDone : Step::kMore;
}

}  // namespace mk8s::kube
