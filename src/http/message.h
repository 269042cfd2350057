// HTTP messages as every protocol version, client and server of ours sees them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mk8s::http {

struct Field {
  std::string name;  // lower case
  std::string value;
  bool operator==(const Field&) const = default;
};

/// Header or trailer fields in their order; names are kept in lower case (RFC 9113 section 8.2).
class Fields {
 public:
  Fields() = default;
  Fields(std::initializer_list<Field> fields);

  /// `name` in any case; repeated names are kept as repeated fields.
  void Add(std::string_view name, std::string_view value);
  /// The same for a name that is in lower case already, as HTTP/2's are.
  void AddLower(std::string_view name, std::string_view value) {
    fields_.push_back(Field{std::string(name), std::string(value)});
  }
  void Reserve(std::size_t count) { fields_.reserve(count); }
  /// Replaces all of that name.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);

  /// `name` must be lower case in these.  Find gives the first; a view into this object.
  std::optional<std::string_view> Find(std::string_view name) const;
  std::string_view Get(std::string_view name) const { return Find(name).value_or(""); }
  std::vector<std::string_view> All(std::string_view name) const;
  /// True if any field of that name holds `token` in its comma-separated list, in any case (RFC
  /// 9110 section 5.6.1).
  bool HasToken(std::string_view name, std::string_view token) const;

  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  bool operator==(const Fields&) const = default;

 private:
  std::vector<Field> fields_;
};

struct RequestHead {
  std::string method;     // as sent, case-sensitive
  std::string authority;  // HTTP/2 :authority or HTTP/1.1 Host
  std::string target;     // path and query, undecoded, origin form: "/api/v1/pods?limit=500"
  // The protocol asked for by an upgrade, empty otherwise.  HTTP/1.1: the Upgrade field, with
  // `method` as sent.  HTTP/2: the :protocol of an extended CONNECT (RFC 8441), with method
  // CONNECT.
  std::string protocol;
  Fields fields;  // without Host, Connection, Upgrade, Transfer-Encoding, Keep-Alive;
                  // Content-Length is kept
};

struct ResponseHead {
  int status = 200;      // HTTP/1.1 upgrades are accepted by 101, extended CONNECT by 200
  std::string protocol;  // with 101: the Upgrade field to send or as received
  Fields fields;         // as in RequestHead
};

}  // namespace mk8s::http
