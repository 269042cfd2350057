// Self reviews from outside: any bytes give a review or an error, in either encoding.
#include "kube/self_review.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, size_t size) {
  using namespace mk8s::kube;
  if (size < 1) return 0;
  const auto kind = static_cast<SelfReviewKind>(1 + bytes[0] % 3);
  const std::string_view body(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  for (const char* type : {"application/json", "application/vnd.kubernetes.protobuf"}) {
    if (const auto review = ParseSelfReview(kind, type, body)) {
      AccessAnswer(*review, true, "", bytes[0] % 2 == 0);
    }
  }
  return 0;
}
