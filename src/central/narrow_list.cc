// See narrow_list.h.
#include "central/narrow_list.h"

#include <algorithm>

#include "auth/continue_token.h"
#include "base/text.h"
#include "kube/list_filter.h"

namespace mk8s::central {
namespace {

std::string_view MediaType(std::string_view item) {
  return TrimSpace(item.substr(0, item.find(';')));
}

bool IsJson(std::string_view content_type) {
  return EqualsIgnoreCase(MediaType(content_type), "application/json");
}

// Encodings that kube-apiserver knows for objects.  Their parameters (as=Table;v=v1;...) name the
// kind that is wanted, and hold for JSON too.
bool IsObjectEncoding(std::string_view media_type) {
  const std::string type = ToLower(media_type);
  return type == "application/json" || type == "application/yaml" || type == "application/cbor" ||
         type == "application/cbor-seq" || type == "application/vnd.kubernetes.protobuf" ||
         type == "application/*" || type == "*/*";
}

std::string JsonOnly(const http::Fields& fields) {
  std::vector<std::string> kept;
  for (const std::string_view value : fields.All("accept")) {
    for (const std::string_view item : Split(value, ',')) {
      const std::string_view type = MediaType(item);
      if (!IsObjectEncoding(type)) continue;
      const std::size_t parameters = std::min(item.find(';'), item.size());
      std::string json = "application/json" + std::string(TrimSpace(item.substr(parameters)));
      if (std::find(kept.begin(), kept.end(), json) == kept.end()) kept.push_back(std::move(json));
    }
  }
  std::string joined;
  for (const std::string& item : kept) joined += (joined.empty() ? "" : ",") + item;
  return joined.empty() ? "application/json" : joined;
}

// Path and query in one spelling, without what client-go changes from page to page.
std::string ListOf(const kube::Target& target) {
  std::vector<kube::Target::QueryPair> pairs;
  for (const kube::Target::QueryPair& pair : target.query()) {
    const bool paging = pair.key == "continue" || pair.key == "limit" ||
                        pair.key == "resourceVersion" || pair.key == "resourceVersionMatch";
    if (!paging) pairs.push_back(pair);
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  kube::Target list = target;
  list.ReplaceQuery(std::move(pairs));
  return list.Serialize();
}

// The first of a repeated parameter counts for kube-apiserver; one is sent.
void SetQuery(kube::Target& target, std::string_view key, std::string value) {
  std::vector<kube::Target::QueryPair> pairs = target.query();
  std::erase_if(pairs, [key](const auto& pair) { return pair.key == key; });
  pairs.push_back({.key = std::string(key), .value = std::move(value)});
  target.ReplaceQuery(std::move(pairs));
}

class ListBody : public gateway::BodyFilter {
 public:
  ListBody(kube::ListShape shape, kube::ListFilterRules rules)
      : watch_(shape == kube::ListShape::kWatch), filter_(shape, std::move(rules)) {}
  Result<void> Write(std::string_view chunk, std::string& out) override {
    return filter_.Write(chunk, out);
  }
  Result<void> Finish(std::string&) override { return filter_.Finish(); }
  bool SendsHeadAtOnce() const override { return watch_; }

 private:
  bool watch_;
  kube::ListFilter filter_;
};

Error Expired(std::string detail) {
  return MakeError(ErrorCode::kExpired,
                   "the provided continue parameter is not valid for this list, or too old to "
                   "display a consistent list result. You can start a new list without the "
                   "continue parameter.",
                   std::move(detail));
}

bool IsSuccess(int status) { return status >= 200 && status < 300; }

}  // namespace

Result<NarrowList> NarrowList::Make(const auth::ContinueTokens& tokens, std::string user_id,
                                    std::string cluster_id, const Attributes& attributes,
                                    kube::Target target, std::vector<auth::ListScope> scopes) {
  NarrowList list;
  list.tokens_ = &tokens;
  list.user_id_ = std::move(user_id);
  list.cluster_id_ = std::move(cluster_id);
  list.list_ = ListOf(target);
  list.target_ = std::move(target);
  list.scopes_ = std::move(scopes);
  list.watch_ = attributes.verb == "watch";
  list.namespace_objects_ = attributes.api_group.empty() && attributes.resource == "namespaces";
  // Without its object a row of a Table does not say which one it shows.
  if (list.target_.Query("includeObject") == "None") {
    SetQuery(list.target_, "includeObject", "Metadata");
  }
  const std::string_view sealed = list.target_.Query("continue").value_or("");
  if (!sealed.empty()) {
    Result<std::string> opened = tokens.Open({list.user_id_, list.cluster_id_, list.list_}, sealed);
    if (!opened) return Expired(opened.error().message);
    SetQuery(list.target_, "continue", *std::move(opened));
  }
  return list;
}

Result<void> NarrowList::RefuseSealed(const auth::ContinueTokens& tokens, std::string_view user_id,
                                      std::string_view cluster_id, const kube::Target& target) {
  const std::string_view token = target.Query("continue").value_or("");
  if (token.empty()) return {};
  const std::string list = ListOf(target);
  if (!tokens.Open({user_id, cluster_id, list}, token)) return {};  // the cluster's own
  return Expired("sealed under a narrower grant");
}

void NarrowList::AskForJson(http::Fields& fields) {
  fields.Set("accept", JsonOnly(fields));
  fields.Set("accept-encoding", "identity");
  for (const std::string_view name : {"if-match", "if-modified-since", "if-none-match", "if-range",
                                      "if-unmodified-since", "range"}) {
    fields.Remove(name);
  }
}

Result<http::ResponseHead> NarrowList::MapHead(http::ResponseHead head) const {
  const std::string_view type = head.fields.Get("content-type");
  const std::string_view encoding = head.fields.Get("content-encoding");
  const bool plain_error =
      !IsSuccess(head.status) && (type.empty() || MediaType(type) == "text/plain");
  if ((!IsJson(type) && !plain_error) ||
      (!encoding.empty() && !EqualsIgnoreCase(encoding, "identity"))) {
    return MakeError(ErrorCode::kBadGateway,
                     "your roles show only a part of this list, and the cluster answered in an "
                     "encoding that mk8s cannot filter (" +
                         Printable(encoding.empty() ? type : encoding, 64) +
                         "); ask for one namespace at a time");
  }
  for (const std::string_view name :
       {"accept-ranges", "content-length", "content-md5", "digest", "etag", "last-modified"}) {
    head.fields.Remove(name);
  }
  return head;
}

std::unique_ptr<gateway::BodyFilter> NarrowList::Filter(const http::ResponseHead& mapped) const {
  if (!IsJson(mapped.fields.Get("content-type"))) return nullptr;
  // An error is a lone Status whatever was asked for.
  const bool watch = watch_ && IsSuccess(mapped.status);
  return std::make_unique<ListBody>(
      watch ? kube::ListShape::kWatch : kube::ListShape::kList,
      kube::ListFilterRules{.admits =
                                [this](std::string_view namespace_, std::string_view name) {
                                  return auth::Admits(scopes_, namespace_objects_, namespace_,
                                                      name);
                                },
                            .seal_continue =
                                [this](std::string_view token) {
                                  return tokens_->Seal({user_id_, cluster_id_, list_}, token);
                                }});
}

}  // namespace mk8s::central
