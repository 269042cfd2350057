// Turns and bounds of commands beside the agents.
#include "central/exec_queue.h"

#include <gtest/gtest.h>

namespace mk8s::central {
namespace {

constexpr ExecBounds kBounds{.per_user_max = 2,
                             .per_cluster_max = 3,
                             .starting_per_cluster_max = 2,
                             .waiting_per_cluster_max = 2};

class ExecQueueTest : public testing::Test {
 protected:
  // A command's name is its user's with a number.
  std::shared_ptr<ExecQueue::Ticket> Enter(const std::string& name,
                                           const std::string& cluster = "a") {
    auto ticket = queue_.Enter(name.substr(0, name.size() - 1), cluster,
                               [this, name] { went_ += name + " "; });
    return ticket ? *ticket : nullptr;
  }
  std::string Went() { return std::exchange(went_, {}); }

  ExecQueue queue_{kBounds};
  std::string went_;
};

TEST_F(ExecQueueTest, StartsAFewAtOnceAndTheRestInTurn) {
  const auto first = Enter("ann1");
  const auto second = Enter("bob1");
  const auto third = Enter("cat1");
  EXPECT_EQ(Went(), "ann1 bob1 ");  // two may start at once
  queue_.Started(first);
  EXPECT_EQ(Went(), "cat1 ");
  const auto fourth = Enter("dan1");
  queue_.Started(second);
  EXPECT_EQ(Went(), "");  // three run
  EXPECT_EQ(queue_.Running(), 3u);
  EXPECT_EQ(queue_.Waiting(), 1u);
  queue_.Leave(first);
  queue_.Leave(first);
  EXPECT_EQ(Went(), "dan1 ");
}

TEST_F(ExecQueueTest, AUserAtTheirBoundHoldsNobodyUp) {
  const auto first = Enter("ann1");
  const auto second = Enter("ann2");
  queue_.Started(first);
  queue_.Started(second);
  const auto third = Enter("ann3");
  EXPECT_EQ(Went(), "ann1 ann2 ");
  const auto other = Enter("bob1");
  EXPECT_EQ(Went(), "bob1 ");
  const auto elsewhere = Enter("ann4", "b");
  EXPECT_EQ(Went(), "");
  queue_.Leave(third);
  queue_.Leave(first);
  EXPECT_EQ(Went(), "ann4 ");  // freed in one cluster, taken in another
}

TEST_F(ExecQueueTest, WhoHasLeastIsNext) {
  const auto first = Enter("ann1");
  const auto second = Enter("bob1");
  const auto greedy = Enter("ann2");
  const auto modest = Enter("cat1");
  EXPECT_EQ(Went(), "ann1 bob1 ");
  queue_.Started(first);
  EXPECT_EQ(Went(), "cat1 ");
  queue_.Leave(second);
  EXPECT_EQ(Went(), "ann2 ");
}

TEST_F(ExecQueueTest, RefusesWhenTooManyWait) {
  const auto first = Enter("ann1");
  const auto second = Enter("bob1");
  const auto third = Enter("cat1");
  const auto fourth = Enter("cat2");
  EXPECT_EQ(Enter("cat3"), nullptr);
  EXPECT_NE(Enter("ann2", "b"), nullptr);
  queue_.Leave(third);  // leaving the line makes room in it
  EXPECT_NE(Enter("cat3"), nullptr);
  EXPECT_EQ(Went(), "ann1 bob1 ann2 ");
}

}  // namespace
}  // namespace mk8s::central
