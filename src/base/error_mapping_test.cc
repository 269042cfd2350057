// Every code is in every mapping, and what a protocol can tell apart survives a round trip.
#include "base/error_mapping.h"

#include <set>
#include <string>

namespace mk8s {
namespace {

TEST(ErrorMapping, EveryCodeHasAPlaceInEachProtocol) {
  std::set<std::string> names;
  for (ErrorCode code : kAllErrorCodes) {
    names.insert(std::string(Name(code)));
    EXPECT_GE(HttpStatus(code), 400) << Name(code);
    EXPECT_LT(HttpStatus(code), 600) << Name(code);
    EXPECT_GE(GrpcStatus(code), 1) << Name(code);
    EXPECT_LE(GrpcStatus(code), 16) << Name(code);
    EXPECT_FALSE(KubeStatusReason(code).empty()) << Name(code);
    EXPECT_GE(ExitCode(code), 1) << Name(code);
  }
  EXPECT_EQ(names.size(), std::size(kAllErrorCodes)) << "two codes share a name";
}

TEST(ErrorMapping, TheCodesThatClientsActOn) {
  EXPECT_EQ(HttpStatus(ErrorCode::kUnauthenticated), 401);
  EXPECT_EQ(ExitCode(ErrorCode::kUnauthenticated), 4);
  EXPECT_EQ(ExitCode(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(ExitCode(ErrorCode::kPermissionDenied), 1);
  EXPECT_EQ(KubeStatusReason(ErrorCode::kPermissionDenied), "Forbidden");
}

TEST(ErrorMapping, WireCodesComeBack) {
  for (ErrorCode code :
       {ErrorCode::kNotFound, ErrorCode::kPermissionDenied, ErrorCode::kUnavailable,
        ErrorCode::kUnauthenticated, ErrorCode::kResourceExhausted}) {
    EXPECT_EQ(FromHttpStatus(HttpStatus(code)), code) << Name(code);
    EXPECT_EQ(FromGrpcStatus(GrpcStatus(code)), code) << Name(code);
  }
}

}  // namespace
}  // namespace mk8s
