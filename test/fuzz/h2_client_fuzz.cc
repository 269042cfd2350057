// Any bytes as the server of an HTTP/2 client session that has four requests open.
// Input: one byte of plan, one for the cut of the bytes, then frames.
#include "h2_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  if (size < 2) return 0;
  const std::uint8_t plan = bytes[0];
  h2::Options options;
  options.connection_unconsumed_bytes_max = 64 * 1024;
  const auto session = h2::Session::Client(options);
  for (std::uint8_t i = 0; i < 4; ++i) {
    const auto own = static_cast<std::uint8_t>(plan + i);
    auto events = std::make_shared<h2::FuzzedEvents>(own, true);
    const bool end = (own & 32) != 0;
    events->stream = session->Send(
        {.method = end ? "GET" : "POST", .authority = "a", .target = "/"}, end, events);
    if (own & 64) events->stream->SendBody(std::string(70'000, 'x'));
  }
  std::string out;
  session->Produce(out, limits::kFlushBytes);
  h2::Drive(*session, {reinterpret_cast<const char*>(bytes) + 2, size - 2}, bytes[1] + 1u);
  return 0;
}
