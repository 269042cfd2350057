// Who gets how many connections of a descriptor limit.
#include "central/connection_shares.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/limits.h"

namespace mk8s::central {
namespace {

TEST(ConnectionShares, LeavesRoomForTheRest) {
  for (const std::size_t descriptors : {256u, 1024u, 4096u, 20'000u, 65'536u, 1'048'576u}) {
    const auto shares = ShareDescriptors(descriptors, 4, 8);
    ASSERT_TRUE(shares) << descriptors;
    EXPECT_LE(shares->front + shares->agents + limits::kDescriptorsReserved, descriptors);
    EXPECT_GE(shares->front, limits::kConnectionsMin / 2);
    EXPECT_GE(shares->agents, limits::kConnectionsMin / 4);
  }
}

TEST(ConnectionShares, GivesNoMoreThanTheLimits) {
  const auto shares = ShareDescriptors(std::numeric_limits<std::size_t>::max(), 128, 100);
  ASSERT_TRUE(shares);
  EXPECT_EQ(shares->front, limits::kFrontConnectionsMax);
  EXPECT_EQ(shares->agents, limits::kAgentConnectionsMax);
}

TEST(ConnectionShares, RefusesWhatServesNobody) {
  const auto shares = ShareDescriptors(64, 4, 8);
  ASSERT_FALSE(shares);
  EXPECT_EQ(shares.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(shares.error().message.find("ulimit -n"), std::string::npos);
}

}  // namespace
}  // namespace mk8s::central
