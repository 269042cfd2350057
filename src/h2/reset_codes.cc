// See reset_codes.h.
#include "h2/reset_codes.h"

#include <nghttp2/nghttp2.h>

namespace mk8s::h2 {

using http::ResetReason;

std::uint32_t ToErrorCode(ResetReason reason) {
  switch (reason) {
    case ResetReason::kNoError:
      return NGHTTP2_NO_ERROR;
    case ResetReason::kCancel:
      return NGHTTP2_CANCEL;
    case ResetReason::kRefused:
      return NGHTTP2_REFUSED_STREAM;
    case ResetReason::kProtocolError:
      return NGHTTP2_PROTOCOL_ERROR;
    case ResetReason::kInternal:
      return NGHTTP2_INTERNAL_ERROR;
    case ResetReason::kFlowControl:
      return NGHTTP2_FLOW_CONTROL_ERROR;
    case ResetReason::kEnhanceYourCalm:
      return NGHTTP2_ENHANCE_YOUR_CALM;
    case ResetReason::kConnectionLost:
      // A relay passes on what broke its other side.
      return NGHTTP2_INTERNAL_ERROR;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

ResetReason FromErrorCode(std::uint32_t code) {
  switch (code) {
    case NGHTTP2_NO_ERROR:
      return ResetReason::kNoError;
    case NGHTTP2_CANCEL:
      return ResetReason::kCancel;
    case NGHTTP2_REFUSED_STREAM:
      return ResetReason::kRefused;
    case NGHTTP2_INTERNAL_ERROR:
    case NGHTTP2_CONNECT_ERROR:
      return ResetReason::kInternal;
    case NGHTTP2_FLOW_CONTROL_ERROR:
      return ResetReason::kFlowControl;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return ResetReason::kEnhanceYourCalm;
    default:
      return ResetReason::kProtocolError;
  }
}

}  // namespace mk8s::h2
