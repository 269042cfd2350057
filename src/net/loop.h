// Event loops: one thread each, nothing shared between them.  Every connection, stream and timer
// belongs to one loop and is touched on its thread only; Post is the way in from elsewhere.
//
// A turn of the loop: wait for readiness, fire due timers, dispatch ready descriptors, run what was
// posted, then the turn tasks.  Connections flush in their turn task, so all that one turn produced
// for a peer leaves in one write.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace mk8s::net {

class Loop;

/// A pending call of Loop::After.  Destroying or overwriting the handle cancels it.  Loop thread
/// only.
class Timer {
 public:
  Timer();
  Timer(Timer&& other) noexcept;
  Timer& operator=(Timer&& other) noexcept;
  ~Timer();

  void Cancel();
  bool pending() const;

 private:
  friend class Loop;
  struct Entry;
  struct Earlier;
  explicit Timer(std::unique_ptr<Entry> entry);
  std::unique_ptr<Entry> entry_;
};

/// Work that an object does at most once per turn, at its end: made once, scheduled often without
/// an allocation.  Scheduled again after it ran in a turn, it runs in the next one.  Destroying it
/// unschedules it; `run` must not.  Loop thread only.
class TurnTask {
 public:
  TurnTask(Loop& loop, std::function<void()> run);
  ~TurnTask();
  TurnTask(const TurnTask&) = delete;
  TurnTask& operator=(const TurnTask&) = delete;

  void Schedule();
  void Unschedule();

 private:
  friend class Loop;
  Loop& loop_;
  std::function<void()> run_;
  bool scheduled_ = false;
  std::uint64_t last_turn_ = 0;
};

/// Something that owns a file descriptor and wants to know when it can be read or written.
class Descriptor {
 public:
  virtual ~Descriptor() = default;
  struct Readiness {
    bool readable = false;
    bool writable = false;
    bool hangup = false;  // the peer ended its direction: read on to find where
    bool error = false;   // the connection broke: SO_ERROR says how
  };
  /// Edge-triggered: comes once when the state changes, so read or write until EAGAIN.
  virtual void OnReady(Readiness ready) = 0;
  /// The loop ends: close at once.
  virtual void OnLoopStopped() = 0;
};

class Loop {
 public:
  explicit Loop(std::size_t index = 0);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs on the calling thread until Stop; then closes every registered descriptor.
  void Run();
  /// Runs turns on the calling thread until `done`, asked after each.  Descriptors stay.
  void RunUntil(const std::function<bool()>& done);
  /// Thread-safe.  What was posted before still runs.
  void Stop();

  /// Runs `fn` on the loop's thread.  Thread-safe.  After the loop ended `fn` is dropped.
  void Post(std::function<void()> fn);
  /// Runs `fn` once after `delay` unless the handle dies first.  Loop thread, or before Run.
  [[nodiscard]] Timer After(std::chrono::milliseconds delay, std::function<void()> fn);
  /// Runs `fn` at the end of this turn.  For what happens often, keep a TurnTask instead.
  void AtEndOfTurn(std::function<void()> fn);

  bool InLoop() const;
  /// The loop whose thread this is, or null.
  static Loop* Current();
  /// Position in its LoopGroup.
  std::size_t index() const;
  /// The time at which this turn began.  Loop thread only.
  MonotonicTime now() const;

  /// Watches `fd` for both directions and keeps `owner` alive until Unregister, and then to the end
  /// of the turn.  False when the kernel refuses.  Loop thread only.
  bool Register(int fd, std::shared_ptr<Descriptor> owner);
  /// Before closing `fd`.  No event of this turn reaches its owner any more.
  void Unregister(int fd);
  void ForEachDescriptor(const std::function<void(Descriptor&)>& visit);

 private:
  friend class Timer;
  friend class TurnTask;
  friend struct LoopBuffers;
  struct State;
  void Turn();
  void Enter();
  void CloseAll();
  std::unique_ptr<State> state_;
};

/// Loops 0..count-1, each on its own thread.
class LoopGroup {
 public:
  /// `count` 0: one a core, at most 64.
  explicit LoopGroup(std::size_t count = 0);
  /// Stops and joins.
  ~LoopGroup();

  void Start();
  /// Stops every loop (their connections close) and joins the threads.  Not from a loop's thread.
  void Stop();

  std::size_t size() const { return loops_.size(); }
  Loop& at(std::size_t index) { return *loops_[index]; }

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace mk8s::net
