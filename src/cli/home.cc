// See home.h.
#include "cli/home.h"

#include <pwd.h>
#include <unistd.h>

#include "cli/files.h"

namespace mk8s::cli {

Result<Home> Home::Locate(const Environment& environment) {
  if (const std::string folder = environment.Get("MK8S_HOME"); !folder.empty()) {
    return Home(std::filesystem::absolute(folder));
  }
  if (const std::string home = environment.Get("HOME"); !home.empty()) {
    return Home(std::filesystem::path(home) / ".mk8s");
  }
  if (const passwd* account = getpwuid(geteuid());
      account != nullptr && account->pw_dir[0] == '/') {
    return Home(std::filesystem::path(account->pw_dir) / ".mk8s");
  }
  return MakeError(ErrorCode::kFailedPrecondition,
                   "no home folder: set HOME, or MK8S_HOME to a folder for mk8s' own files");
}

Result<void> Home::Prepare() const { return MakePrivateFolder(folder_); }

std::filesystem::path Home::CacheFolder(std::string_view central_url) const {
  return folder_ / "cache" / FileNameOf(central_url);
}

std::filesystem::path Home::CaFile(std::string_view central_url) const {
  return folder_ / "ca" / (FileNameOf(central_url) + ".crt");
}

std::string FileNameOf(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  std::string name;
  for (const char c : url) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-';
    name += plain ? c : '_';
  }
  return name;
}

}  // namespace mk8s::cli
