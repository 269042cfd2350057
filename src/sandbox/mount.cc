// A root folder of the command's own: an empty tmpfs with kubectl, three devices and a scratch
// folder, all else gone.  See enter.h.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/limits.h"
#include "sandbox/enter.h"

namespace mk8s::sandbox {
namespace {

constexpr int kProgramFd = 63;
constexpr const char* kBase = "/tmp";  // any folder: what is under it is only covered

void MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) FailErrno("mkdir " + path);
}

void Mount(const char* from, const std::string& to, const char* type, unsigned long flags,
           const char* options) {
  if (mount(from, to.c_str(), type, flags, options) != 0) FailErrno("mount " + to);
}

// What is bound keeps the flags that it has: inside a user namespace they cannot be taken off.
unsigned long FlagsOf(const std::string& path) {
  struct statvfs now {};
  if (statvfs(path.c_str(), &now) != 0) FailErrno("statvfs " + path);
  unsigned long flags = 0;
  if ((now.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  if ((now.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((now.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((now.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
  if ((now.f_flag & ST_NODIRATIME) != 0) flags |= MS_NODIRATIME;
  if ((now.f_flag & ST_RELATIME) != 0) flags |= MS_RELATIME;
  return flags;
}

void BindReadOnly(const std::string& from, const std::string& to, unsigned long more) {
  Mount(from.c_str(), to, nullptr, MS_BIND, nullptr);
  Mount(nullptr, to, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | FlagsOf(to) | more,
        nullptr);
}

void MakeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) FailErrno("open " + path);
  close(fd);
}

void MakeDevices(const std::string& root) {
  MakeFolder(root + "/dev");
  for (const char* name : {"/dev/null", "/dev/random", "/dev/urandom"}) {
    MakeFile(root + name);
    Mount(name, root + name, nullptr, MS_BIND, nullptr);
  }
}

// For a kubectl that is not linked statically.
void BindLibraries(const std::string& root) {
  MakeFolder(root + "/usr");
  for (const std::string path : {"/usr/lib", "/usr/lib64", "/lib", "/lib64"}) {
    struct stat entry {};
    if (lstat(path.c_str(), &entry) != 0) continue;
    if (S_ISLNK(entry.st_mode)) {
      char target[256] = {};
      if (readlink(path.c_str(), target, sizeof target - 1) > 0) {
        (void)!symlink(target, (root + path).c_str());
      }
    } else {
      MakeFolder(root + path);
      BindReadOnly(path, root + path, MS_NODEV);
    }
  }
}

}  // namespace

void MakeRoot(const Plan& plan, unsigned owner) {
  const mode_t before = umask(0022);  // what is made here is for the command's uid too
  Mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  // kubectl may lie under the folder that is about to be covered.
  const std::string program = "/proc/self/fd/" + std::to_string(kProgramFd);
  Mount("tmpfs", kBase, "tmpfs", MS_NOSUID, "mode=755,size=1m,nr_inodes=64");
  const std::string root = kBase;
  MakeDevices(root);
  MakeFile(root + "/kubectl");
  BindReadOnly(program, root + "/kubectl", MS_NODEV);
  if (!plan.probe && NeedsLibraries(kProgramFd)) BindLibraries(root);
  MakeFolder(root + kOwnFolder);
  const std::string id = std::to_string(owner);
  const std::string options = "mode=700,uid=" + id + ",gid=" + id +
                              ",size=" + std::to_string(limits::kCommandFolderBytesMax) +
                              ",nr_inodes=" + std::to_string(limits::kCommandFilesMax);
  Mount("tmpfs", root + kOwnFolder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str());
  if (chdir(kBase) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
      umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
    FailErrno("pivot_root");
  }
  const int kubectl = open("/kubectl", O_RDONLY | O_CLOEXEC);
  if (kubectl < 0 || dup3(kubectl, kProgramFd, O_CLOEXEC) < 0) FailErrno("open /kubectl");
  close(kubectl);
  Mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, nullptr);
  umask(before);
}

}  // namespace mk8s::sandbox
