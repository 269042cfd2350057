// /auth: logins, tokens, passwords and sessions.
#include "central/accounts.h"
#include "central/audit_log.h"
#include "central/rest_call.h"
#include "central/rest_json.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

void Note(RestCall& call, const LoginTrace& trace) {
  if (!trace.user_id.empty()) call.audit.user_id = trace.user_id;
  if (!trace.email.empty()) call.audit.user = trace.email;
  call.retry_after = trace.retry_after;
}

}  // namespace

Result<RestAnswer> LogIn(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields,
                        JsonFields::Parse(call.body, {"email", "password"}));
  Credentials credentials{.source_ip = call.peer_ip,
                          .user_agent = std::string(call.fields.Get("user-agent"))};
  MK8S_ASSIGN_OR_RETURN(credentials.email, fields.Text("email"));
  MK8S_ASSIGN_OR_RETURN(std::string password, fields.Text("password"));
  credentials.password = Secret(std::move(password));
  LoginTrace trace;
  const auto issued = LogIn(call.services, credentials, trace);
  Note(call, trace);
  if (!issued) return issued.error();
  return RestAnswer{200, RenderTokens(*issued)};
}

Result<RestAnswer> RefreshTokens(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Parse(call.body, {"refresh_token"}));
  MK8S_ASSIGN_OR_RETURN(std::string token, fields.Text("refresh_token"));
  LoginTrace trace;
  const auto issued = Refresh(call.services, Secret(std::move(token)), trace);
  if (issued) return RestAnswer{200, RenderTokens(*issued)};
  if (!trace.user_id.empty()) {  // a known session: a spent token, so perhaps a stolen one
    Note(call, trace);
    call.audit.status = AuditStatus::kDenied;
    call.audit.http_status = 401;
    call.audit.reason = issued.error().message;
    call.services.audit.Record(call.audit);
    MK8S_RETURN_IF_ERROR(call.services.snapshots.Reload());
  }
  return issued.error();
}

Result<RestAnswer> LogOut(RestCall& call) {
  const Principal& principal = *call.principal;
  MK8S_RETURN_IF_ERROR(call.services.store.EndSession(principal.session->id, principal.user->id,
                                                      call.services.clock.Now()));
  return RestAnswer{204, {}};
}

Result<RestAnswer> ChangePassword(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields,
                        JsonFields::Parse(call.body, {"current_password", "new_password"}));
  MK8S_ASSIGN_OR_RETURN(std::string current, fields.Text("current_password"));
  MK8S_ASSIGN_OR_RETURN(std::string replacement, fields.Text("new_password"));
  LoginTrace trace;
  const auto replaced = ReplacePassword(call.services, *call.principal->user,
                                        call.principal->session->id, Secret(std::move(current)),
                                        Secret(std::move(replacement)), call.peer_ip, trace);
  Note(call, trace);
  if (!replaced) return replaced.error();
  return RestAnswer{204, {}};
}

Result<RestAnswer> ShowMe(RestCall& call) {
  const Principal& principal = *call.principal;
  return RestAnswer{200, RenderMe(*principal.user, principal.snapshot->IsAdmin(*principal.user),
                                  *principal.session, principal.token_expires_at)};
}

Result<RestAnswer> ListSessions(RestCall& call) {
  const Principal& principal = *call.principal;
  std::vector<const LoginSession*> own;
  for (const LoginSession& session : principal.snapshot->sessions()) {
    if (session.user_id == principal.user->id && session.expires_at > call.now) {
      own.push_back(&session);
    }
  }
  std::sort(own.begin(), own.end(), [](const LoginSession* a, const LoginSession* b) {
    return std::tie(b->created_at, a->id) < std::tie(a->created_at, b->id);
  });
  return RestAnswer{200, RenderSessions(own, principal.session->id)};
}

Result<RestAnswer> EndSession(RestCall& call) {
  MK8S_RETURN_IF_ERROR(call.services.store.EndSession(call.parameters[0], call.principal->user->id,
                                                      call.services.clock.Now()));
  return RestAnswer{204, {}};
}

}  // namespace mk8s::central
