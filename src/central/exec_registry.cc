// See exec_registry.h.
#include "central/exec_registry.h"

namespace mk8s::central {

void ExecRegistry::Add(std::shared_ptr<const ExecCommand> command) {
  const std::lock_guard lock(mutex_);
  std::string id = command->id;
  commands_.emplace(std::move(id), std::move(command));
}

void ExecRegistry::Remove(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = commands_.find(std::string(id));
  if (found == commands_.end()) return;
  found->second->ended = true;
  commands_.erase(found);
}

std::shared_ptr<const ExecCommand> ExecRegistry::Find(std::string_view id,
                                                      std::string_view cluster_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = commands_.find(std::string(id));
  if (found == commands_.end() || found->second->cluster_id != cluster_id) return nullptr;
  return found->second;
}

}  // namespace mk8s::central
