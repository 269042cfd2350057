// What anyone may read: the keys that sign tokens, the version, the interface's description.
#include "auth/signing_key.h"
#include "base/log.h"
#include "central/openapi.h"
#include "central/rest_call.h"
#include "central/services.h"

namespace mk8s::central {

Result<RestAnswer> ShowKeys(RestCall& call) {
  return RestAnswer{200, auth::JwksJson({&call.services.signing_key, 1})};
}

Result<RestAnswer> ShowVersion(RestCall&) {
  return RestAnswer{200, "{\"version\":" + log::JsonString(MK8S_VERSION) + "}"};
}

Result<RestAnswer> ShowOpenApi(RestCall&) { return RestAnswer{200, OpenApiJson()}; }

}  // namespace mk8s::central
