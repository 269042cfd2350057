// The commands that run beside agents now.  A Kubernetes request that comes back from an agent with
// a command's id is decided as that command's caller's.  Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace mk8s::central {

struct ExecCommand {
  std::string id;          // random; known to central and the agent alone
  std::string request_id;  // of the exec call: its audit event, and what joins its requests
  std::string cluster_id;
  std::string session_id;  // the caller's
  std::string line;        // as typed, masked
  std::string source_ip;   // the caller's
  /// Ends the command because one of its requests lost its right.  Any thread.
  std::function<void(const Error&)> cut;
  /// Set when it ends: what it left behind is cut.
  mutable std::atomic<bool> ended{false};
};

class ExecRegistry {
 public:
  void Add(std::shared_ptr<const ExecCommand> command);
  void Remove(std::string_view id);
  /// Null: no such command runs on that cluster.
  std::shared_ptr<const ExecCommand> Find(std::string_view id, std::string_view cluster_id) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const ExecCommand>> commands_;
};

}  // namespace mk8s::central
