// One key of a configuration, bound to the member that it sets.  A program's whole configuration is
// a table of these (central_config.cc, agent_config.cc); reading YAML, the environment's names,
// `config check` and the example files all derive from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"

namespace mk8s::config {

struct Setting {
  std::string_view key;      // "server.http_port"
  std::string_view doc;      // for the example files; '\n' between lines
  std::string_view example;  // what the example files show instead of an empty default
  bool is_list = false;
  /// Sets the member.  A list comes with commas between its items.  Error: kInvalidArgument whose
  /// message goes on after "KEY: ".
  std::function<Result<void>(std::string_view text)> set;
  /// The member's value as YAML; secrets as "[secret]".
  std::function<std::string()> show;
};

/// "MK8S_SERVER_HTTP_PORT" for "server.http_port".
std::string EnvironmentName(std::string_view key);

/// All keys with their values in YAML, in the order of the table; `as_example` adds the docs and
/// the examples.
std::string Render(const std::vector<Setting>& settings, bool as_example);

// The kinds of settings.  Each keeps a reference to its member.
Setting Text(std::string_view key, std::string& member, std::string_view doc,
             std::string_view example = {});
Setting TextList(std::string_view key, std::vector<std::string>& member, std::string_view doc);
Setting SecretText(std::string_view key, Secret& member, std::string_view doc,
                   std::string_view example = {});
/// A URL that may hold a password: shown without it.
Setting SecretUrl(std::string_view key, Secret& member, std::string_view doc,
                  std::string_view example = {});
Setting Port(std::string_view key, std::uint16_t& member, std::string_view doc);
Setting Number(std::string_view key, int& member, int min, int max, std::string_view doc);
Setting Flag(std::string_view key, bool& member, std::string_view doc);
Setting Duration(std::string_view key, std::chrono::milliseconds& member,
                 std::chrono::milliseconds min, std::chrono::milliseconds max,
                 std::string_view doc);
Setting LogLevel(std::string_view key, log::Level& member, std::string_view doc);

/// One of a few words; `words` and `index` map them to the member.
Setting Choice(std::string_view key, std::vector<std::string_view> words,
               std::function<void(std::size_t)> set, std::function<std::size_t()> index,
               std::string_view doc);

}  // namespace mk8s::config
