// The answer to a request that is not one: it has no handler, so the session writes it itself.
#pragma once

#include <string>

#include "base/error.h"

namespace mk8s::h1 {

/// A whole response with the project's JSON error and a request id of its own; says that the
/// connection closes.  `error` is one of this folder's, whose messages need no escaping.
std::string WriteRefusal(const Error& error);

}  // namespace mk8s::h1
