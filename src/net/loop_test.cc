// The event loop, its timers and turn tasks, and the work pool.
#include "net/loop.h"

#include <future>

#include "net/work_pool.h"

namespace mk8s::net {
namespace {

using std::chrono::milliseconds;

void RunFor(Loop& loop, milliseconds time) {
  auto end = loop.After(time, [&loop] { loop.Stop(); });
  loop.Run();
}

TEST(LoopTest, RunsPostedInOrderAndBeforeItStops) {
  Loop loop;
  std::vector<int> order;
  loop.Post([&] { order.push_back(1); });
  loop.Post([&] {
    order.push_back(2);
    EXPECT_TRUE(loop.InLoop());
    EXPECT_EQ(Loop::Current(), &loop);
  });
  loop.Stop();
  loop.Run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_FALSE(loop.InLoop());
}

TEST(LoopTest, TimersFireByTimeAndDieWithTheirHandle) {
  Loop loop;
  std::vector<int> order;
  auto late = loop.After(milliseconds(20), [&] { order.push_back(2); });
  auto soon = loop.After(milliseconds(5), [&] { order.push_back(1); });
  {
    auto dropped = loop.After(milliseconds(1), [&] { order.push_back(9); });
  }
  auto replaced = loop.After(milliseconds(1), [&] { order.push_back(8); });
  replaced = loop.After(milliseconds(25), [&] { order.push_back(3); });
  EXPECT_TRUE(soon.pending());
  RunFor(loop, milliseconds(60));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(soon.pending());
}

TEST(LoopTest, ATimerMayDestroyAndReplaceItselfWhileItFires) {
  Loop loop;
  Timer timer;
  int fired = 0;
  timer = loop.After(milliseconds(1), [&] {
    ++fired;
    timer = loop.After(milliseconds(1), [&] {
      ++fired;
      timer = Timer();
    });
  });
  RunFor(loop, milliseconds(30));
  EXPECT_EQ(fired, 2);
}

TEST(LoopTest, HandlesMayOutliveTheLoop) {
  auto loop = std::make_unique<Loop>();
  auto timer = loop->After(milliseconds(1), [] {});
  TurnTask task(*loop, [] {});
  task.Schedule();
  loop.reset();
}

TEST(LoopTest, ATurnTaskRunsOnceATurnHoweverOftenScheduled) {
  Loop loop;
  std::vector<std::string> order;
  TurnTask task(loop, [&] { order.push_back("task"); });
  auto dropped = std::make_unique<TurnTask>(loop, [&] { order.push_back("dropped"); });
  loop.Post([&] {
    task.Schedule();
    dropped->Schedule();
    task.Schedule();
    order.push_back("first");
  });
  loop.Post([&] {
    task.Schedule();
    order.push_back("second");
    dropped.reset();
  });
  RunFor(loop, milliseconds(10));
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "task"}));
}

TEST(LoopTest, ATurnTaskThatReschedulesItselfLeavesRoomForOthers) {
  Loop loop;
  int runs = 0;
  std::unique_ptr<TurnTask> again;
  again = std::make_unique<TurnTask>(loop, [&] {
    ++runs;
    again->Schedule();
  });
  bool posted = false;
  loop.Post([&] {
    again->Schedule();
    loop.AtEndOfTurn([&] { posted = true; });
  });
  RunFor(loop, milliseconds(20));
  EXPECT_GT(runs, 2);
  EXPECT_TRUE(posted);
}

TEST(LoopTest, WhatIsScheduledBetweenTwoRunsIsNotForgotten) {
  Loop loop;
  int runs = 0;
  TurnTask task(loop, [&] { ++runs; });
  for (int i = 1; i <= 3; ++i) {
    task.Schedule();
    auto late = loop.After(milliseconds(2'000), [] { FAIL() << "slept over it"; });
    loop.RunUntil([&] { return runs == i; });
  }
}

TEST(LoopTest, PostsFromManyThreadsAllArrive) {
  LoopGroup loops(2);
  loops.Start();
  std::atomic<int> count = 0;
  std::promise<void> done;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        loops.at(i % 2).Post([&] {
          if (++count == 4000) done.set_value();
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  loops.Stop();
  loops.at(0).Post([&] { ADD_FAILURE() << "ran after the end"; });
}

TEST(WorkPoolTest, RefusesBeyondItsQueueAndFinishesWhatItTook) {
  std::promise<void> gate;
  std::shared_future<void> open(gate.get_future());
  std::atomic<int> ran = 0;
  {
    WorkPool pool(1, 2);
    std::promise<void> begun;
    ASSERT_TRUE(pool.Submit([&] {
      begun.set_value();
      open.wait();
      ++ran;
    }));
    begun.get_future().wait();
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_EQ(pool.queued(), 2u);
    EXPECT_FALSE(pool.Submit([&] { ++ran; }));
    gate.set_value();
    pool.Stop();
    EXPECT_FALSE(pool.Submit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 3);
}

}  // namespace
}  // namespace mk8s::net
