// See bootstrap.h.
#include "central/bootstrap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "auth/password.h"
#include "auth/role_parse.h"
#include "auth/sealed_box.h"
#include "base/ids.h"
#include "base/log.h"
#include "config/central_config.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

constexpr std::string_view kSigningKeySecret = "signing_key";
constexpr std::string_view kCaSecret = "certificate_authority";  // certificate, then key, in PEM
constexpr std::string_view kKeyBegin = "-----BEGIN PRIVATE KEY-----";
constexpr std::string_view kFirstAdmin = "admin@mk8s.local";

Error FileError(const std::string& path, const char* what) {
  return MakeError(ErrorCode::kUnavailable, std::string("cannot ") + what + " " + path + ": " +
                                                std::strerror(errno) +
                                                "; check server.data_dir and its owner");
}

// Replaces the file in one step, so that a reader never sees half of it.
Result<void> WriteFile(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return FileError(path, "write");
  const ssize_t written = ::write(file, content.data(), content.size());
  const bool synced = ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  if (::close(file) != 0 || !synced || written != static_cast<ssize_t>(content.size()) ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    return FileError(path, "write");
  }
  return {};
}

// The secret `name` of the store; made by `make` and kept sealed if there is none yet.  Whoever
// comes second gets the first one's.
template <typename Make>
Result<Secret> EnsureSecret(const config::CentralConfig& config, store::Store& store,
                            std::string_view name, Make make) {
  const auth::SealedBox box(config.auth.jwt_secret);
  MK8S_ASSIGN_OR_RETURN(std::optional<std::string> sealed, store.FindSecret(name));
  if (!sealed) {
    MK8S_ASSIGN_OR_RETURN(const Secret made, make());
    MK8S_ASSIGN_OR_RETURN(const std::string ours, box.Seal(name, made));
    MK8S_ASSIGN_OR_RETURN(sealed, store.PutSecretOnce(name, ours));
  }
  return box.Open(name, *sealed);
}

Result<Secret> MakeSigningKey() {
  MK8S_ASSIGN_OR_RETURN(const auth::SigningKey key, auth::SigningKey::Generate());
  return key.Pem();
}

}  // namespace

Result<void> PrepareDataDir(config::CentralConfig& config) {
  const std::string& folder = config.server.data_dir;
  std::error_code failure;
  if (std::filesystem::create_directories(folder, failure)) ::chmod(folder.c_str(), 0700);
  if (failure) {
    errno = failure.value();
    return FileError(folder, "create");
  }
  if (!config.auth.jwt_secret.empty()) return {};
  const std::string path = folder + "/jwt-secret";
  std::ifstream file(path);
  std::stringstream content;
  if (file && content << file.rdbuf() && !content.str().empty()) {
    config.auth.jwt_secret = Secret(content.str());
    return {};
  }
  config.auth.jwt_secret = NewToken("");
  return WriteFile(path, config.auth.jwt_secret.Reveal(), 0600);
}

Result<Keys> EnsureKeys(const config::CentralConfig& config, store::Store& store, WallTime now) {
  MK8S_ASSIGN_OR_RETURN(const Secret key_pem,
                        EnsureSecret(config, store, kSigningKeySecret, MakeSigningKey));
  MK8S_ASSIGN_OR_RETURN(auth::SigningKey signing_key, auth::SigningKey::FromPem(key_pem));
  const auto make_ca = [&]() -> Result<Secret> {
    MK8S_ASSIGN_OR_RETURN(const auto made,
                          pki::CertificateAuthority::Create("mk8s CA", pki::kCaLife, now));
    return Secret(made.certificate_pem() + made.KeyPem().Reveal());
  };
  MK8S_ASSIGN_OR_RETURN(const Secret ca_pem, EnsureSecret(config, store, kCaSecret, make_ca));
  const std::size_t key_begin = ca_pem.Reveal().find(kKeyBegin);
  if (key_begin == std::string::npos) {
    return MakeError(ErrorCode::kDataLoss, "the CA in the database is damaged; restore a backup");
  }
  MK8S_ASSIGN_OR_RETURN(pki::CertificateAuthority ca,
                        pki::CertificateAuthority::Load(ca_pem.Reveal().substr(0, key_begin),
                                                        Secret(ca_pem.Reveal().substr(key_begin))));
  MK8S_RETURN_IF_ERROR(WriteFile(config.server.data_dir + "/ca.crt", ca.certificate_pem(), 0644));
  MK8S_ASSIGN_OR_RETURN(auth::ContinueTokens continue_tokens,
                        auth::ContinueTokens::FromSigningKey(signing_key));
  return Keys{std::move(signing_key), std::move(continue_tokens), std::move(ca)};
}

Result<void> EnsureAccounts(const config::CentralConfig& config, store::Store& store,
                            WallTime now) {
  MK8S_RETURN_IF_ERROR(store.EnsureBuiltInRoles(auth::BuiltInRoles()));
  MK8S_ASSIGN_OR_RETURN(const store::StoredState state, store.LoadAll(now));
  if (!state.users.empty()) return {};
  const Secret password = auth::GenerateOneTimePassword();
  MK8S_ASSIGN_OR_RETURN(std::string hash, auth::HashPassword(password, config.auth.bcrypt_cost));
  // The file comes first: a password that nobody can read would lock everyone out.
  const std::string path = config.server.data_dir + "/initial-admin-password";
  MK8S_RETURN_IF_ERROR(WriteFile(path, password.Reveal() + "\n", 0600));
  const Result<void> created = store.CreateUser(User{.id = NewUuid(),
                                                     .email = std::string(kFirstAdmin),
                                                     .password_hash = std::move(hash),
                                                     .password_change_required = true,
                                                     .roles = {"admin"},
                                                     .created_at = now});
  if (!created && created.error().code == ErrorCode::kAlreadyExists) return {};
  MK8S_RETURN_IF_ERROR(created);
  log::Info("created the first administrator; its one-time password is in the file",
            {{"email", kFirstAdmin}, {"file", path}});
  return {};
}

}  // namespace mk8s::central
