// Stands in kubectl's place beside an agent and tries what kubectl itself cannot.
// usage: kubectl get ATTEMPT [ARGUMENT...]   prints "refused: WHY", or what it got
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char** environ;

static int Refused(void) { return printf("refused: %s\n", strerror(errno)); }
static int Told(long result) { return result < 0 ? Refused() : printf("done\n"); }

static int Read(const char* path) {
  char bytes[4096];
  int fd = open(path, O_RDONLY);
  ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
  return size < 0 ? Refused() : printf("read %.*s\n", (int)size, bytes);
}

static int List(const char* path) {
  DIR* folder = opendir(path);
  if (folder == NULL) return Refused();
  for (struct dirent* entry; (entry = readdir(folder)) != NULL;) printf("%s ", entry->d_name);
  return printf("\n");
}

static int Connect(const char* host, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval patience = {.tv_sec = 3};
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return Told(fd < 0 ? -1 : connect(fd, (struct sockaddr*)&to, sizeof to));
}

static void* Wait(void* nothing) { return pause(), nothing; }

static int Threads(void) {
  int count = 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (pthread_t thread; count < 5000 && pthread_create(&thread, &small, Wait, NULL) == 0;) ++count;
  return printf("%d\n", count);
}

static int Memory(void) {  // MiB that it could touch
  int count = 0;
  for (void* part; count < 4096; ++count) {
    part = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (part == MAP_FAILED) break;
    memset(part, 1, 4096);
  }
  return printf("%d\n", count);
}

static int Disk(void) {  // MiB that it could write
  static char part[1 << 20];
  int count = 0, fd = open("large", O_CREAT | O_WRONLY, 0600);
  signal(SIGXFSZ, SIG_IGN);
  while (count < 4096 && write(fd, part, sizeof part) == sizeof part) ++count;
  return printf("%d\n", count);
}

static int Descriptors(void) {
  int count = 0;
  while (count < 100000 && dup(1) >= 0) ++count;
  return printf("%d\n", count);
}

static int Self(void) {
  for (char** each = environ; *each != NULL; ++each) printf("%s\n", *each);
  return printf("uid %d gid %d no_new_privs %d seccomp %d\n", getuid(), getgid(),
                prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
}

static int Exec(const char* path) {
  char* none[] = {(char*)path, NULL};
  return Told(execve(path, none, none));
}

static int Flood(void) {
  static char part[65536];
  memset(part, 'x', sizeof part);
  while (write(1, part, sizeof part) > 0) {
  }
  return 0;
}

int main(int count, char** words) {
  const char* attempt = count > 2 ? words[2] : "";
  const char* first = count > 3 ? words[3] : "0";
  int number = atoi(first);
  setvbuf(stdout, NULL, _IONBF, 0);
#define TRY(name, what) \
  if (strcmp(attempt, name) == 0) return (what), 0
  TRY("read", Read(first));
  TRY("list", List(first));
  TRY("connect", Connect(first, atoi(words[4])));
  TRY("signal", Told(kill(number, SIGKILL)));
  TRY("trace", Told(ptrace(PTRACE_ATTACH, number, 0, 0)));
  TRY("peek", Told(syscall(SYS_process_vm_readv, number, NULL, 0, NULL, 0, 0)));
  TRY("mount", Told(mount("tmpfs", "/", "tmpfs", 0, NULL)));
  TRY("unshare", Told(unshare(CLONE_NEWUSER | CLONE_NEWNS)));
  TRY("chroot", Told(chroot("/")));
  TRY("setuid", Told(setresuid(0, 0, 0)));
  TRY("execute", Exec(first));
  TRY("fork", Told(fork()));
  TRY("session", Told(setsid()));
  TRY("listen", Told(listen(socket(AF_INET, SOCK_STREAM, 0), 1)));
  TRY("unix", Told(socket(AF_UNIX, SOCK_STREAM, 0)));
  TRY("netlink", Told(socket(AF_NETLINK, SOCK_RAW, 0)));
  TRY("packet", Told(socket(AF_PACKET, SOCK_RAW, 0)));
  TRY("raw", Told(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)));
  TRY("memory-file", Told(syscall(SYS_memfd_create, "x", 0)));
  TRY("bpf", Told(syscall(SYS_bpf, 0, NULL, 0)));
  TRY("keys", Told(syscall(SYS_keyctl, 0, 0, 0, 0, 0)));
  TRY("threads", Threads());
  TRY("memory", Memory());
  TRY("disk", Disk());
  TRY("descriptors", Descriptors());
  TRY("self", Self());
  TRY("flood", Flood());
  TRY("sleep", (printf("sleeping\n"), pause()));
  return 3;
}
