// Any roles file or role in JSON: what is taken is written and read back as the same, every
// decision by it is made without a fault, and nothing but a grant that says so gives a shell.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "auth/role_matcher.h"
#include "auth/role_parse.h"

namespace {

using namespace mk8s;

Attributes Resource(std::string_view verb, std::string_view resource, std::string_view subresource,
                    std::string_view namespace_) {
  Attributes asked;
  asked.is_resource = true;
  asked.verb = verb;
  asked.resource = resource;
  asked.subresource = subresource;
  asked.namespace_ = namespace_;
  asked.name = subresource.empty() ? "" : "a";
  return asked;
}

bool SaysExec(const Role& role) {
  return std::any_of(role.grants.begin(), role.grants.end(), [](const Grant& grant) {
    return std::any_of(grant.verbs.begin(), grant.verbs.end(), [](const std::string& verb) {
      return verb == "*" || verb == "exec" || verb == "create";
    });
  });
}

void Decide(const Role& role) {
  const auth::RoleBook book({role});
  const std::vector<std::string> held = {role.name};
  for (const std::string_view cluster : {"dev-1", "prod"}) {
    const auto matcher = book.For(held, cluster);
    for (const Attributes& asked :
         {Resource("list", "pods", "", ""), Resource("list", "pods", "", "web"),
          Resource("get", "pods", "exec", "web"), Resource("watch", "namespaces", "", ""),
          Resource("create", "nodes", "proxy", "")}) {
      const auth::Decision decision = matcher->Decide(asked);
      const bool some = decision.allowed || decision.narrowed;
      if (some == decision.roles.empty()) std::abort();
      if (decision.narrowed == decision.scopes.empty()) std::abort();
      if (decision.allowed != decision.reason.empty()) std::abort();
      if (some && matcher->empty()) std::abort();
      if (some && asked.subresource == "exec" && !SaysExec(role)) std::abort();
      if (decision.allowed && book.WhoMayAllow(asked, cluster) != held) std::abort();
    }
    (void)matcher->RulesIn("web");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto role = auth::ParseRoleJson(text)) {
    const auto again = auth::ParseRoleJson(auth::RoleToJson(*role));
    if (!again || !(*again == *role)) std::abort();
    Decide(*role);
  }
  const auto file = auth::ParseRolesFile(text);
  if (!file) return 0;
  const auto again = auth::ParseRolesFile(auth::RolesToYaml(file->roles));
  if (!again || again->roles != file->roles) std::abort();
  for (const Role& role : file->roles) Decide(role);
  return 0;
}
