// The target of a Kubernetes API request, parsed once and sent on only as parsed: what is
// authorized is what the cluster receives.  First step of a request's way through central
// (kube/attributes reads it next, the relay sends Serialize()).
//
// kube-apiserver neither cleans nor redirects paths, so every spelling that two parsers could read
// differently is refused here instead: empty inner segments, "." and "..", a decoded / \ % #,
// control bytes, invalid UTF-8, a raw ';' in the query, bad escapes (reference: Go's net/url, and
// k8s.io/apiserver/pkg/endpoints/request/requestinfo.go).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mk8s::kube {

/// Where the parts of a resource path lie; indexes into Target's segments.  Meaningless unless
/// `is_resource`.
struct PathLayout {
  bool is_resource = false;
  bool watch_prefix = false;         // /api/v1/watch/..., the deprecated spelling
  bool proxy_prefix = false;         // /api/v1/proxy/..., long gone from kube-apiserver
  std::size_t version = 0;           // the group, if any, is at version - 1
  std::optional<std::size_t> scope;  // index of the namespace's name
  std::size_t resource = 0;          // then name, subresource, rest
};

class Target {
 public:
  struct QueryPair {
    std::string key;
    std::string value;
    bool has_equals = true;  // "?watch" and "?watch=" mean the same to Go, not to every proxied app
    bool operator==(const QueryPair&) const = default;
  };

  /// `raw` is an undecoded path and query in origin form, as in RequestHead::target, beginning with
  /// the cluster's own path (/api, /apis, /version, ...); "" is "/".
  /// Errors: kInvalidArgument for the spellings above, kUriTooLong over limits::kTargetBytesMax.
  static Result<Target> Parse(std::string_view raw);

  /// Decoded, with the outer slashes as sent, without the query and without a proxy tail.
  const std::string& path() const { return path_; }
  std::size_t segment_count() const { return ends_.size(); }
  std::string_view segment(std::size_t index) const;
  const PathLayout& layout() const { return layout_; }

  const std::vector<QueryPair>& query() const { return query_; }
  /// Central asks for less or otherwise than the client did; never what is decided upon.
  void ReplaceQuery(std::vector<QueryPair> query) { query_ = std::move(query); }
  /// The first value of `key`, as url.Values.Get; nothing if it does not occur.
  std::optional<std::string_view> Query(std::string_view key) const;
  /// Go's rule for a boolean parameter (apimachinery/pkg/runtime/conversion.go): false only when
  /// absent, "0" or "false" in any case; an empty value is true.
  bool QueryFlag(std::string_view key) const;

  /// What follows ".../proxy" on a proxy subresource, in its own encoding: "" or "/...".
  const std::string& proxy_tail() const { return proxy_tail_; }

  /// Path and query written anew from the parsed form.  Parse(Serialize()) equals *this.
  std::string Serialize() const;

  bool operator==(const Target&) const;

 private:
  friend class TargetParser;

  std::string path_ = "/";
  std::vector<std::uint32_t> ends_;  // of each segment within path_; it begins after the '/' before
  PathLayout layout_;
  std::string proxy_tail_;
  std::vector<QueryPair> query_;
};

}  // namespace mk8s::kube
