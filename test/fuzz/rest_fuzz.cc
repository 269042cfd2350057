// What anyone may send to REST before a session: the target, and a body's JSON.  A target that
// matches has no NUL and no empty parameter, and is valid UTF-8.
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "central/accounts.h"
#include "central/rest_json.h"
#include "central/rest_route.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s::central;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto matched = MatchRoute("GET", text);
  if (const auto* match = std::get_if<RouteMatch>(&matched)) {
    for (const std::string& parameter : match->parameters) {
      if (parameter.empty() || parameter.find('\0') != std::string::npos ||
          !mk8s::IsUtf8(parameter)) {
        std::abort();
      }
    }
  }
  (void)NameInBody(text).size();
  if (const auto fields = JsonFields::Parse(text, {"email", "password", "roles", "disabled"})) {
    (void)fields->Text("email").has_value();
    (void)fields->OptionalFlag("disabled").has_value();
    (void)fields->Texts("roles").has_value();
  }
  if (const auto email = CanonicalEmail(text)) {
    if (CanonicalEmail(*email).value_or("") != *email) std::abort();
  }
  return 0;
}
