// See yaml_depth.h.  Follows the indentation and flow rules of YAML 1.2 chapters 6 to 8 only as far
// as nesting goes.
#include "base/yaml_depth.h"

#include <vector>

namespace mk8s {
namespace {

class DepthScanner {
 public:
  DepthScanner(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {}

  bool Within() {
    while (at_ < text_.size()) {
      if (!Line()) return false;
    }
    return true;
  }

 private:
  // One line: its indentation with the "- " and "? " in front opens block levels, the rest may open
  // flow levels.
  bool Line() {
    std::size_t column = 0;
    if (flow_depth_ == 0 && quote_ == 0) {
      while (true) {
        while (Peek() == ' ' || Peek() == '\t') ++at_, ++column;
        const char c = Peek();
        if (c == '\n' || c == '\r' || c == '#' || at_ >= text_.size()) break;
        const bool indicator = (c == '-' || c == '?' || c == ':') && IsBreakOrSpace(Peek(1));
        // A sequence may stand at its parent key's own column, hence the odd numbers.
        if (!OpenBlock(2 * column + (indicator ? 1 : 0))) return false;
        if (!indicator) break;
        ++at_;
        ++column;
      }
    }
    return Content();
  }

  bool OpenBlock(std::size_t position) {
    while (!blocks_.empty() && blocks_.back() > position) blocks_.pop_back();
    if (blocks_.empty() || blocks_.back() < position) blocks_.push_back(position);
    return blocks_.size() + flow_depth_ <= depth_max_;
  }

  // To the end of the line.
  bool Content() {
    bool token_start = true;  // a quote opens a string only here: "it's" is plain text
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++at_;
        return true;
      }
      if (quote_ != 0) {
        Quoted(c);
        token_start = false;
        continue;
      }
      if (token_start && (c == '"' || c == '\'')) {
        quote_ = c;
      } else if (token_start && c == '#') {
        SkipComment();
        continue;
      } else if ((c == '[' || c == '{') && (token_start || flow_depth_ > 0)) {
        if (blocks_.size() + ++flow_depth_ > depth_max_) return false;
      } else if ((c == ']' || c == '}') && flow_depth_ > 0) {
        --flow_depth_;
      }
      const bool flow_indicator = c == '[' || c == '{' || c == ',';
      token_start = c == ' ' || c == '\t' || c == ':' || (flow_indicator && flow_depth_ > 0);
    }
    return true;
  }

  void Quoted(char c) {
    if (quote_ == '"' && c == '\\') {
      if (Peek(1) != '\n') ++at_;
    } else if (c == quote_) {
      quote_ = 0;
    }
  }

  void SkipComment() {
    while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
  }

  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  static bool IsBreakOrSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  const std::string_view text_;
  const std::size_t depth_max_;
  std::size_t at_ = 0;
  std::vector<std::size_t> blocks_;  // positions of the open block collections, growing
  std::size_t flow_depth_ = 0;
  char quote_ = 0;  // the quote of the string that we are in
};

}  // namespace

bool YamlDepthWithin(std::string_view text, std::size_t depth_max) {
  return DepthScanner(text, depth_max).Within();
}

}  // namespace mk8s
