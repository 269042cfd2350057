// The four mappings from ErrorCode to the codes of the protocols we speak.  Each is exhaustive: a
// new code does not compile
// (-Wswitch) or fails error_mapping_test until all four know it.
#pragma once

#include <string_view>

#include "base/error.h"

namespace mk8s {

/// HTTP status, RFC 9110 section 15.
int HttpStatus(ErrorCode code);

/// grpc-status, https://grpc.github.io/grpc/core/md_doc_statuscodes.html
int GrpcStatus(ErrorCode code);

/// metav1.Status reason (k8s.io/apimachinery/pkg/apis/meta/v1/types.go); goes with HttpStatus as
/// its code.
std::string_view KubeStatusReason(ErrorCode code);

/// Exit code of `mk8s`: 1 failed, 2 usage, 4 needs login.
int ExitCode(ErrorCode code);

/// The other way for errors that come over the wire.  Unknown values become kInternal or
/// kUnavailable.
ErrorCode FromHttpStatus(int status);
ErrorCode FromGrpcStatus(int status);

}  // namespace mk8s
