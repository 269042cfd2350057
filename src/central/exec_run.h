// A command on an agent, as central sees it: ExecuteCommand's stream and the input that follows it
// piece by piece.  On the caller's loop, whatever the tunnel's.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "central/exec_messages.h"
#include "central/tunnels.h"
#include "gateway/loop_timer.h"
#include "grpc/client.h"

namespace mk8s::central {

/// CommandRequest, serialised.
std::string EncodeCommandRequest(const std::string& command_id, ExecOrder order);

class ExecRun : public std::enable_shared_from_this<ExecRun> {
 public:
  struct Callbacks {
    /// Release(held_bytes) must follow sooner or later, or the command waits.
    std::function<void(ExecOutput which, std::string bytes, std::size_t held_bytes)> on_output;
    /// A piece of input was taken; see waiting_bytes.
    std::function<void()> on_input_taken;
    /// Last, exactly once: the exit code, or why there is none, as the caller may be told.
    std::function<void(Result<int>)> on_done;
  };

  ExecRun(net::Loop& loop, std::shared_ptr<Tunnel> tunnel, std::string command_id);
  ~ExecRun();

  /// Once.  `request` is EncodeCommandRequest's.
  void Start(std::string_view request, std::chrono::milliseconds time_max, Callbacks callbacks);
  /// Sends input behind all that was given before.
  void Input(ExecInput input);
  /// Of input that the agent has not taken yet.
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  void Release(std::size_t held_bytes);
  /// Resets the stream, by which the agent ends the command.  No callback comes any more.
  void Cancel();

 private:
  http::ClientSession* Session();
  void OnMessage(const std::string& message);
  void OnCallDone(const Result<void>& result);
  void SendNextInput();

  net::Loop& loop_;
  const std::shared_ptr<Tunnel> tunnel_;
  const std::string command_id_;
  std::unique_ptr<http::ClientSession> across_;  // where the tunnel is on another loop
  gateway::LoopTimer timer_;
  Callbacks callbacks_;
  std::shared_ptr<grpc::ClientCall> call_;
  std::optional<int> exit_code_;
  std::deque<ExecInput> inputs_;
  std::size_t waiting_bytes_ = 0;
  bool started_ = false;  // the agent knows the command: input may come
  bool input_under_way_ = false;
  bool done_ = false;
};

}  // namespace mk8s::central
