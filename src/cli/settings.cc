// See settings.h.
#include "cli/settings.h"

#include "base/text.h"
#include "net/blocking_client.h"

namespace mk8s::cli {
namespace {

Setting First(std::string_view flag, const std::string& flag_value, std::string_view variable,
              const Environment& environment, const std::string& file_value) {
  if (!flag_value.empty()) return {flag_value, std::string(flag)};
  if (std::string value = environment.Get(variable); !value.empty()) {
    return {std::move(value), std::string(variable)};
  }
  if (!file_value.empty()) return {file_value, "config.yaml"};
  return {};
}

}  // namespace

Result<Settings> ResolveSettings(const GlobalFlags& flags, const Environment& environment,
                                 const ConfigFile& file) {
  Settings settings;
  settings.central_url =
      First("--server", flags.server, "MK8S_CENTRAL_URL", environment, file.central_url);
  if (!settings.central_url.value.empty()) {
    Result<std::string> url = NormaliseUrl(settings.central_url.value);
    if (!url) {
      return MakeError(ErrorCode::kInvalidArgument,
                       settings.central_url.origin + ": " + url.error().message);
    }
    settings.central_url.value = *std::move(url);
  }
  const bool files_server = settings.central_url.value == file.central_url;
  settings.cluster = First("--cluster", flags.cluster, "MK8S_CLUSTER", environment,
                           files_server ? file.current_cluster : "");
  settings.ca_file = First("--ca-file", flags.ca_file, "MK8S_CA_FILE", environment,
                           files_server ? file.ca_file : "");
  settings.insecure_skip_tls_verify =
      flags.insecure_skip_tls_verify || (files_server && file.insecure_skip_tls_verify);
  settings.token = Secret(std::string(TrimSpace(environment.Get("MK8S_TOKEN"))));
  return settings;
}

Result<std::string> NormaliseUrl(std::string_view url) {
  std::string text(TrimSpace(url));
  if (text.find("://") == std::string::npos) text = "https://" + text;
  text = ToLower(text);
  Result<net::UrlParts> parts = net::ParseBaseUrl(text);
  if (!parts) return parts.error();
  const bool ipv6 = parts->host.find(':') != std::string::npos;
  std::string normal =
      (parts->tls ? "https://" : "http://") + (ipv6 ? "[" + parts->host + "]" : parts->host);
  if (parts->port != (parts->tls ? 443 : 80)) normal += ":" + std::to_string(parts->port);
  return normal;
}

}  // namespace mk8s::cli
