// Names of the reset reasons, for logs and audit.
#include "http/stream.h"

namespace mk8s::http {

std::string_view Name(ResetReason reason) {
  switch (reason) {
    case ResetReason::kNoError:
      return "no_error";
    case ResetReason::kCancel:
      return "cancelled";
    case ResetReason::kRefused:
      return "refused";
    case ResetReason::kProtocolError:
      return "protocol_error";
    case ResetReason::kInternal:
      return "internal";
    case ResetReason::kFlowControl:
      return "flow_control";
    case ResetReason::kEnhanceYourCalm:
      return "limit_reached";
    case ResetReason::kConnectionLost:
      return "connection_lost";
  }
  return "internal";
}

}  // namespace mk8s::http
