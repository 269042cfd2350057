// See refusal.h.
#include "h1/refusal.h"

#include "base/clock.h"
#include "base/error_mapping.h"
#include "base/ids.h"
#include "base/text.h"
#include "h1/message_writer.h"

namespace mk8s::h1 {

std::string WriteRefusal(const Error& error) {
  const std::string request_id = NewRequestId(SystemClock().Now());
  const std::string body = "{\"error\":{\"code\":\"" + std::string(Name(error.code)) +
                           "\",\"message\":\"" + Printable(error.message) + "\",\"request_id\":\"" +
                           request_id + "\"}}\n";
  http::ResponseHead head;
  head.status = HttpStatus(error.code);
  head.fields = {{"content-type", "application/json"},
                 {"content-length", std::to_string(body.size())},
                 {"x-request-id", request_id}};
  return WriteHead(head, {.keep_alive = false}) + body;
}

}  // namespace mk8s::h1
