// The seccomp filter of a command: what kubectl, a Go program that runs no other, has no need of is
// answered by EPERM.  A program of classic BPF over seccomp_data (seccomp(2)); no library, so that
// it is all here to be read.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "sandbox/enter.h"

namespace mk8s::sandbox {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the seccomp filter knows x86-64 and arm64"
#endif
constexpr std::uint32_t kX32Bit = 0x40000000;

// By what they would give: another view of files or namespaces; other processes; the kernel's
// inside; programs and processes; servers; leaving the process group.
constexpr int kDenied[] = {
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_unshare,
    SYS_setns,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_mknodat,
    SYS_swapon,
    SYS_swapoff,
    SYS_quotactl,
    SYS_acct,
    //
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_kcmp,
    SYS_kill,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_migrate_pages,
    SYS_move_pages,
    //
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_syslog,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_personality,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_fanotify_init,
    SYS_vhangup,
    SYS_seccomp,
    //
    SYS_execve,
    SYS_memfd_create,
    447 /* memfd_secret */,
    //
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_shmget,
    SYS_shmat,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
    //
    SYS_setsid,
    SYS_setpgid,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
    SYS_mknod,
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_uselib,
    SYS_kexec_file_load,
#endif
};

class Program {
 public:
  void Load(std::size_t offset) {
    Add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  }
  void LoadNumber() { Load(offsetof(seccomp_data, nr)); }
  // The low half of an argument (little-endian): what the kernel takes of an int.
  void LoadArgument(int index) {
    Load(offsetof(seccomp_data, args) + static_cast<std::size_t>(index) * 8);
  }
  void Return(std::uint32_t action) { Add(BPF_RET | BPF_K, action); }
  void Deny(int error) { Return(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)); }
  // Runs the next `count` instructions only if the accumulator equals `value`.
  void IfEqual(std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }
  void UnlessEqual(std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
  }
  void IfAnyBit(std::uint32_t bits, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count));
  }
  void UnlessAnyBit(std::uint32_t bits, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, count, 0));
  }
  void Install() {
    sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) FailErrno("no seccomp filter");
  }

 private:
  void Add(int code, std::uint32_t value) {
    code_.push_back(BPF_STMT(static_cast<std::uint16_t>(code), value));
  }
  std::vector<sock_filter> code_;
};

// A call whose first argument decides: denied unless it is `value`.
void OnlyWith(Program& program, int call, int argument, std::uint32_t value) {
  program.LoadNumber();
  program.IfEqual(static_cast<std::uint32_t>(call), 3);
  program.LoadArgument(argument);
  program.UnlessEqual(value, 1);
  program.Deny(EPERM);
}

void NotWith(Program& program, int call, int argument, std::uint32_t value) {
  program.LoadNumber();
  program.IfEqual(static_cast<std::uint32_t>(call), 3);
  program.LoadArgument(argument);
  program.IfEqual(value, 1);
  program.Deny(EPERM);
}

}  // namespace

void ApplyFilter(int program_fd) {
  Program program;
  program.Load(offsetof(seccomp_data, arch));
  program.UnlessEqual(kArchitecture, 1);
  program.Return(SECCOMP_RET_KILL_PROCESS);
  program.LoadNumber();
#if defined(__x86_64__)
  program.IfAnyBit(kX32Bit, 1);
  program.Deny(ENOSYS);
#endif
  for (const int call : kDenied) {
    program.IfEqual(static_cast<std::uint32_t>(call), 1);
    program.Deny(EPERM);
  }
  // Threads, no processes; clone3's flags are in memory, where a filter does not see them.
  program.IfEqual(SYS_clone3, 1);
  program.Deny(ENOSYS);
  program.IfEqual(SYS_clone, 3);
  program.LoadArgument(0);
  program.UnlessAnyBit(CLONE_THREAD, 1);
  program.Deny(EPERM);
  // Sockets to the agent alone: no netlink, packet or UNIX sockets.
  program.LoadNumber();
  program.IfEqual(SYS_socket, 4);
  program.LoadArgument(0);
  program.UnlessEqual(AF_INET, 2);
  program.UnlessEqual(AF_INET6, 1);
  program.Deny(EPERM);
  OnlyWith(program, SYS_execveat, 0, static_cast<std::uint32_t>(program_fd));
  OnlyWith(program, SYS_execveat, 4, AT_EMPTY_PATH);
  OnlyWith(program, SYS_tgkill, 0, static_cast<std::uint32_t>(getpid()));
  OnlyWith(program, SYS_prlimit64, 0, 0);
  NotWith(program, SYS_prctl, 0, PR_SET_PDEATHSIG);
  NotWith(program, SYS_ioctl, 1, TIOCSTI);
  program.Return(SECCOMP_RET_ALLOW);
  program.Install();
}

}  // namespace mk8s::sandbox
