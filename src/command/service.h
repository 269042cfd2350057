// AgentService's methods that the agent serves: central runs a command beside it.  The one place of
// this folder that knows protobuf.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "command/run.h"
#include "command/surroundings.h"
#include "grpc/server.h"

namespace mk8s::command {

/// One for a loop, whose tunnel connections it serves.  Loop thread only.
class Service {
 public:
  /// `surroundings` outlive it.
  explicit Service(Surroundings& surroundings) : around_(surroundings) {}
  ~Service();

  /// ExecuteCommand and SendCommandInput.
  void AddTo(grpc::Server& server);

 private:
  class Call;
  void Execute(const std::string& request, std::shared_ptr<grpc::ServerWriter> writer);
  void TakeInput(const std::string& request, grpc::Reply reply);

  Surroundings& around_;
  std::unordered_map<std::string, std::shared_ptr<Call>> calls_;  // by command id
};

}  // namespace mk8s::command
