// What is cut for standing still, and what may go on.
#include "central/still_watch.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace mk8s::central {
namespace {

using gateway::RelayWait;
using std::chrono::seconds;

constexpr MonotonicTime kBegin{seconds(1000)};

TEST(StillWatch, CutsWhatWaitsTooLong) {
  for (const auto& [wait, bound] : {std::pair(RelayWait::kBody, limits::kRequestBodyStall),
                                    std::pair(RelayWait::kOtherEnd, limits::kHalfOpenStall)}) {
    StillWatch watch;
    EXPECT_FALSE(watch.Look(wait, 5, kBegin));
    EXPECT_FALSE(watch.Look(wait, 5, kBegin + bound - seconds(1)));
    const auto why = watch.Look(wait, 5, kBegin + bound);
    ASSERT_TRUE(why);
    EXPECT_EQ(why->code, ErrorCode::kDeadlineExceeded);
  }
}

TEST(StillWatch, LetsGoOnWhatMovesOrWaitsForNobody) {
  StillWatch watch;
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_FALSE(watch.Look(RelayWait::kBody, i, kBegin + seconds(9 * i)));
  }
  for (unsigned i = 100; i < 200; ++i) {  // an idle watch
    EXPECT_FALSE(watch.Look(RelayWait::kNone, 7, kBegin + seconds(9 * i)));
  }
}

TEST(StillWatch, CountsEachWaitFromItsBegin) {
  StillWatch watch;
  EXPECT_FALSE(watch.Look(RelayWait::kBody, 5, kBegin));
  EXPECT_FALSE(watch.Look(RelayWait::kNone, 5, kBegin + seconds(9)));
  EXPECT_FALSE(watch.Look(RelayWait::kBody, 5, kBegin + seconds(18)));
  EXPECT_FALSE(watch.Look(RelayWait::kBody, 5, kBegin + seconds(27)));
  EXPECT_TRUE(watch.Look(RelayWait::kBody, 5, kBegin + seconds(28)));
}

}  // namespace
}  // namespace mk8s::central
