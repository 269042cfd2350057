// See role_document.h.  yaml-cpp's events are used instead of its nodes: they can be stopped at the
// first level too deep, and know no aliases.
#include "auth/role_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <istream>
#include <optional>
#include <streambuf>

#include "base/limits.h"
#include "base/text.h"

namespace mk8s::auth {
namespace {

Error Wrong(int line, std::string message) {
  if (line > 0) message = "line " + std::to_string(line) + ": " + message;
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

Result<void> CheckSize(std::string_view text) {
  if (text.size() <= limits::kConfigFileBytesMax) return {};
  return MakeError(ErrorCode::kTooLarge, "roles are longer than " +
                                             std::to_string(limits::kConfigFileBytesMax) +
                                             " bytes; split the file");
}

// Thrown through yaml-cpp by the event handler, caught by DocumentsFromYaml.
struct Stop {
  Error error;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp begins again and again at a ',' that no document can begin with.
    if (!documents_.empty() && mark.pos <= document_start_) {
      throw Stop{Wrong(mark.line + 1, "not YAML: a document cannot begin like this")};
    }
    document_start_ = mark.pos;
    root_ = DocumentNode();
  }
  void OnDocumentEnd() override { documents_.push_back(std::move(root_)); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Take(mark, DocumentNode{.kind = DocumentNode::Kind::kNull});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Stop{Wrong(mark.line + 1, "aliases (*name) are not supported; write the value again")};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    DocumentNode node{.kind = DocumentNode::Kind::kString, .text = value};
    const bool plain = tag == "?";
    if (plain && (value == "true" || value == "false")) node.kind = DocumentNode::Kind::kBool;
    if (plain && (value.empty() || value == "~" || value == "null")) node = DocumentNode();
    Take(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(mark, DocumentNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(mark, DocumentNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  std::vector<DocumentNode> TakeDocuments() { return std::move(documents_); }

 private:
  struct Level {
    DocumentNode node;
    std::optional<std::string> key;  // of the value that comes next, in a map
  };

  void Open(const YAML::Mark& mark, DocumentNode::Kind kind) {
    if (open_.size() >= limits::kYamlDepthMax) {
      throw Stop{Wrong(mark.line + 1,
                       "nested deeper than " + std::to_string(limits::kYamlDepthMax) + " levels")};
    }
    open_.push_back({DocumentNode{.kind = kind, .line = mark.line + 1}, std::nullopt});
  }

  void Close() {
    DocumentNode node = std::move(open_.back().node);
    open_.pop_back();
    Place(std::move(node));
  }

  void Take(const YAML::Mark& mark, DocumentNode node) {
    node.line = mark.line + 1;
    Place(std::move(node));
  }

  void Place(DocumentNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = open_.back();
    if (level.node.kind == DocumentNode::Kind::kList) {
      level.node.items.push_back(std::move(node));
    } else if (!level.key) {
      TakeKey(level, std::move(node));
    } else {
      level.node.entries.push_back({*std::move(level.key), std::move(node)});
      level.key.reset();
    }
  }

  static void TakeKey(Level& level, DocumentNode node) {
    if (node.kind != DocumentNode::Kind::kString && node.kind != DocumentNode::Kind::kBool) {
      throw Stop{Wrong(node.line, "a key must be a word")};
    }
    for (const auto& [key, value] : level.node.entries) {
      if (key == node.text) {
        throw Stop{Wrong(node.line, "key \"" + Printable(key, 80) + "\" occurs twice")};
      }
    }
    level.key = std::move(node.text);
  }

  DocumentNode root_;
  int document_start_ = 0;
  std::vector<Level> open_;
  std::vector<DocumentNode> documents_;
};

// An istream over bytes that are not copied.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // only ever read
    setg(begin, begin, begin + text.size());
  }
};

Result<DocumentNode> FromJson(const boost::json::value& value) {
  DocumentNode node;
  switch (value.kind()) {
    case boost::json::kind::null:
      return node;
    case boost::json::kind::bool_:
      node.kind = DocumentNode::Kind::kBool;
      node.text = value.get_bool() ? "true" : "false";
      return node;
    case boost::json::kind::string:
      node.kind = DocumentNode::Kind::kString;
      node.text = std::string_view(value.get_string());
      return node;
    case boost::json::kind::array:
      node.kind = DocumentNode::Kind::kList;
      for (const boost::json::value& item : value.get_array()) {
        MK8S_ASSIGN_OR_RETURN(DocumentNode child, FromJson(item));
        node.items.push_back(std::move(child));
      }
      return node;
    case boost::json::kind::object:
      node.kind = DocumentNode::Kind::kMap;
      for (const auto& entry : value.get_object()) {
        MK8S_ASSIGN_OR_RETURN(DocumentNode child, FromJson(entry.value()));
        node.entries.push_back({std::string(entry.key()), std::move(child)});
      }
      return node;
    default:
      return Wrong(0, "numbers have no meaning in a role; write a string");
  }
}

}  // namespace

Result<std::vector<DocumentNode>> DocumentsFromYaml(std::string_view yaml) {
  MK8S_RETURN_IF_ERROR(CheckSize(yaml));
  if (!IsUtf8(yaml)) return Wrong(0, "the file is not UTF-8");
  TreeBuilder builder;
  try {
    ViewBuffer buffer(yaml);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (Stop& stop) {
    return std::move(stop.error);
  } catch (const YAML::Exception& failure) {
    return Wrong(failure.mark.is_null() ? 0 : failure.mark.line + 1,
                 "not YAML: " + Printable(failure.msg, 200));
  } catch (const std::exception& failure) {
    return MakeError(ErrorCode::kInvalidArgument, "not YAML", failure.what());
  }
  return builder.TakeDocuments();
}

Result<DocumentNode> DocumentFromJson(std::string_view json) {
  MK8S_RETURN_IF_ERROR(CheckSize(json));
  boost::json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::json::error_code failure;
  const boost::json::value value =
      boost::json::parse({json.data(), json.size()}, failure, {}, options);
  if (failure) return Wrong(0, "not JSON: " + failure.message());
  return FromJson(value);
}

}  // namespace mk8s::auth
