// Any bytes as the client of an HTTP/2 server session.
// Input: one byte of plan for the handler, one for the cut of the bytes, then frames.
#include "h2_driver.h"

namespace mk8s::h2 {
namespace {

class Handler : public http::Handler {
 public:
  explicit Handler(std::uint8_t plan) : plan_(plan) {}

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    Require(!head.target.empty() && !head.method.empty());
    auto events = std::make_shared<FuzzedEvents>(plan_, false);
    events->stream = stream;
    events->set_ended(end);
    stream->SendContinue();
    if (plan_ & 32) stream->SendHead({.status = 200, .fields = head.fields}, (plan_ & 64) != 0);
    if (plan_ & 128) stream->SendBody(std::string(70'000, 'x'));
    if ((plan_ & 160) == 128) events->Reset(http::ResetReason::kNoError);
    ++plan_;
    return events;
  }

 private:
  std::uint8_t plan_;
};

}  // namespace
}  // namespace mk8s::h2

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  if (size < 2) return 0;
  h2::Handler handler(bytes[0]);
  h2::Options options;
  options.peer_streams_max = 8;
  options.connection_unconsumed_bytes_max = 64 * 1024;
  const auto session = h2::Session::Server(handler, options);
  // The preface costs the fuzzer nothing to find, and guards nothing worth finding.
  (void)session->Receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  h2::Drive(*session, {reinterpret_cast<const char*>(bytes) + 2, size - 2}, bytes[1] + 1u);
  return 0;
}
