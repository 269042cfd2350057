// The one place that a command can connect to: a socket of the agent on the loopback of the
// command's own network namespace.  See enter.h.
#include <linux/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "sandbox/enter.h"

namespace mk8s::sandbox {
namespace {

constexpr int kBacklog = 128;

void RaiseLoopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) FailErrno("no loopback");
  close(fd);
}

void HandOver(int listening) {
  char kind = static_cast<char>(Answer::kListening);
  iovec io{&kind, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> rights{};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = rights.data();
  header.msg_controllen = rights.size();
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(item), &listening, sizeof listening);
  if (sendmsg(kControlFd, &header, MSG_NOSIGNAL) != 1) FailErrno("sendmsg");
}

}  // namespace

void MakeNetwork(std::uint16_t port) {
  RaiseLoopback();
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, kBacklog) != 0) {
    FailErrno("cannot listen");
  }
  HandOver(fd);
  close(fd);
}

}  // namespace mk8s::sandbox
