// /users: accounts, for administrators.
#include <unordered_set>

#include "auth/password.h"
#include "base/text.h"
#include "central/accounts.h"
#include "central/rest_call.h"
#include "central/rest_json.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "config/central_config.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

using LockedEmails = std::unordered_set<std::string>;

Result<LockedEmails> FindLocked(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const std::vector<std::string> emails,
                        call.services.store.LockedAccounts(call.services.clock.Now()));
  return LockedEmails(emails.begin(), emails.end());
}

// The user of {id}, from the store, so that it is what the change will meet.
Result<User> Named(const RestCall& call) {
  return call.services.store.FindUser(call.parameters[0]);
}

Result<RestAnswer> Answer(RestCall& call, int status, const User& user,
                          const Secret& initial_password = {}) {
  MK8S_ASSIGN_OR_RETURN(const LockedEmails locked, FindLocked(call));
  return RestAnswer{status, RenderUser({&user, locked.contains(user.email)}, initial_password)};
}

}  // namespace

Result<RestAnswer> ListUsers(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const LockedEmails locked, FindLocked(call));
  std::vector<UserState> users;
  for (const User& user : call.principal->snapshot->users()) {
    users.push_back({&user, locked.contains(user.email)});
  }
  std::sort(users.begin(), users.end(),
            [](const UserState& a, const UserState& b) { return a.user->email < b.user->email; });
  return RestAnswer{200, RenderUsers(users)};
}

Result<RestAnswer> CreateUser(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields,
                        JsonFields::Parse(call.body, {"email", "password", "roles"}));
  NewUser wanted;
  MK8S_ASSIGN_OR_RETURN(wanted.email, fields.Text("email"));
  MK8S_ASSIGN_OR_RETURN(auto password, fields.OptionalText("password"));
  if (password) wanted.password = Secret(*std::move(password));
  MK8S_ASSIGN_OR_RETURN(auto roles, fields.OptionalTexts("roles"));
  if (roles) wanted.roles = *std::move(roles);
  MK8S_ASSIGN_OR_RETURN(
      const CreatedUser created,
      CreateAccount(call.services.store, wanted, call.services.config.auth.bcrypt_cost,
                    call.services.clock.Now()));
  return Answer(call, 201, created.user, created.initial_password);
}

Result<RestAnswer> ShowUser(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const User user, Named(call));
  return Answer(call, 200, user);
}

Result<RestAnswer> ChangeUser(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields,
                        JsonFields::Parse(call.body, {"disabled", "locked", "reset_password"}));
  store::UserChange change;
  MK8S_ASSIGN_OR_RETURN(change.disabled, fields.OptionalFlag("disabled"));
  MK8S_ASSIGN_OR_RETURN(const auto locked, fields.OptionalFlag("locked"));
  MK8S_ASSIGN_OR_RETURN(const auto reset_password, fields.OptionalFlag("reset_password"));
  if (locked.value_or(false)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "locked: can only be set to false; to keep someone out set disabled to true");
  }
  MK8S_ASSIGN_OR_RETURN(User user, Named(call));
  Secret initial_password;
  if (reset_password.value_or(false)) {
    initial_password = auth::GenerateOneTimePassword();
    MK8S_ASSIGN_OR_RETURN(
        change.password_hash,
        auth::HashPassword(initial_password, call.services.config.auth.bcrypt_cost));
    change.password_change_required = true;
    change.end_sessions = true;
  }
  if (change.disabled || change.password_hash) {
    MK8S_ASSIGN_OR_RETURN(
        user, call.services.store.UpdateUser(user.id, change, call.services.clock.Now()));
  }
  // A new password is of no use to an account that stays locked.
  if (locked || change.password_hash) {
    MK8S_RETURN_IF_ERROR(call.services.store.UnlockAccount(user.email));
  }
  return Answer(call, 200, user, initial_password);
}

Result<RestAnswer> DeleteUser(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const User user, Named(call));
  MK8S_RETURN_IF_ERROR(call.services.store.DeleteUser(user.id));
  return RestAnswer{204, {}};
}

Result<RestAnswer> SetUserRoles(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Parse(call.body, {"roles"}));
  store::UserChange change;
  MK8S_ASSIGN_OR_RETURN(change.roles, fields.Texts("roles"));
  MK8S_ASSIGN_OR_RETURN(User user, Named(call));
  MK8S_ASSIGN_OR_RETURN(user,
                        call.services.store.UpdateUser(user.id, change, call.services.clock.Now()));
  return Answer(call, 200, user);
}

}  // namespace mk8s::central
