// The bounds on requests under way.
#include "central/in_flight.h"

namespace mk8s::central {
namespace {

TEST(InFlight, OneUserCannotTakeAll) {
  InFlight in_flight(2, 3);
  EXPECT_TRUE(in_flight.Enter("ann", "dev"));
  EXPECT_TRUE(in_flight.Enter("ann", "dev"));
  const Result<void> refused = in_flight.Enter("ann", "prod");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(in_flight.Enter("bob", "dev"));
  EXPECT_FALSE(in_flight.Enter("cid", "dev")) << "the cluster is full";
  EXPECT_TRUE(in_flight.Enter("cid", "prod"));
  in_flight.Leave("ann", "dev");
  EXPECT_TRUE(in_flight.Enter("ann", "prod"));
}

}  // namespace
}  // namespace mk8s::central
