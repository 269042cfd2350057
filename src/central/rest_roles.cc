// /roles, for administrators.
#include "auth/role_parse.h"
#include "base/text.h"
#include "central/rest_call.h"
#include "central/rest_json.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "store/store.h"

namespace mk8s::central {

Result<RestAnswer> ListRoles(RestCall& call) {
  return RestAnswer{200, RenderRoles(call.principal->snapshot->roles())};
}

Result<RestAnswer> CreateRole(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const Role role, auth::ParseRoleJson(call.body));
  MK8S_RETURN_IF_ERROR(call.services.store.PutRole(role, store::Store::Put::kCreate));
  return RestAnswer{201, RenderRole(role)};
}

Result<RestAnswer> ShowRole(RestCall& call) {
  const Role* role = call.principal->snapshot->RoleByName(call.parameters[0]);
  if (!role) {
    return MakeError(ErrorCode::kNotFound,
                     "there is no role \"" + Printable(call.parameters[0], 128) + "\"");
  }
  return RestAnswer{200, RenderRole(*role)};
}

Result<RestAnswer> PutRole(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const Role role, auth::ParseRoleJson(call.body));
  if (role.name != call.parameters[0]) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "name: \"" + role.name +
                         "\" is not the role in the address; a role cannot "
                         "be renamed, create another one");
  }
  MK8S_RETURN_IF_ERROR(call.services.store.PutRole(role, store::Store::Put::kCreateOrReplace));
  return RestAnswer{200, RenderRole(role)};
}

Result<RestAnswer> DeleteRole(RestCall& call) {
  MK8S_RETURN_IF_ERROR(call.services.store.DeleteRole(call.parameters[0]));
  return RestAnswer{204, {}};
}

}  // namespace mk8s::central
