#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/process/sandbox.h"

namespace writ::process {
namespace {

std::string why() { return std::string(": ") + std::strerror(errno); }

bool write_file(const char* path, const std::string& text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return written;
}

// One id inside, one outside: nobody else exists in there, root least of all.
bool map_one_user(unsigned inside, unsigned outside) {
  const auto line = [&] { return std::to_string(inside) + " " + std::to_string(outside) + " 1\n"; };
  return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", line()) && write_file("/proc/self/gid_map", line());
}

}  // namespace

Result<void, std::string> enter_namespaces(const SandboxPlan& plan, SandboxUser& user) {
  user.from_root = ::geteuid() == 0;
  if (user.from_root) {
    user.outside = user.inside = static_cast<unsigned>(plan.own_user);
  } else {
    user.outside = ::geteuid();
    const unsigned group = ::getegid();
    if (::unshare(CLONE_NEWUSER) != 0) {
      return unexpected("user namespaces are not available to the service's user, and without them the program would not be shut in" + why() +
                        "; allow them (user.max_user_namespaces, kernel.unprivileged_userns_clone, the container's seccomp profile), or run the service as root");
    }
    const bool mapped = write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", std::to_string(user.inside) + " " + std::to_string(user.outside) + " 1\n") &&
                        write_file("/proc/self/gid_map", std::to_string(user.inside) + " " + std::to_string(group) + " 1\n");
    if (!mapped) return unexpected("the user namespace cannot be set up" + why());
  }
  // A keyring of nobody else's. Kernels without keyrings have none to leak.
  ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  const int network = plan.network ? 0 : CLONE_NEWNET;
  if (::unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | network) != 0) {
    return unexpected("the namespaces of the sandbox cannot be made" + why() + "; in a container it needs leave to make namespaces and mounts");
  }
  static_cast<void>(::sethostname("sandbox", 7));
  return {};
}

Result<void, std::string> drop_privileges(SandboxUser& user) {
  if (user.from_root) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(user.outside, user.outside, user.outside) != 0 || ::setresuid(user.outside, user.outside, user.outside) != 0) {
      return unexpected("the user " + std::to_string(user.outside) + " cannot be taken on" + why());
    }
    if (::setuid(0) == 0) return unexpected(std::string("root could be taken on again"));
    // Where there are user namespaces, one more: limits on processes then count each program apart.
    ::prctl(PR_SET_DUMPABLE, 1);
    if (::unshare(CLONE_NEWUSER) == 0) {
      user.inside = 1000;
      if (!map_one_user(user.inside, user.outside)) return unexpected("the user namespace cannot be set up" + why());
    }
  }
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) ::prctl(PR_CAPBSET_DROP, capability);
  ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  if (::syscall(SYS_capset, &header, none) != 0) return unexpected("capabilities cannot be given up" + why());
  __user_cap_data_struct left[2]{};
  if (::syscall(SYS_capget, &header, left) != 0 || left[0].permitted || left[1].permitted || left[0].effective || left[1].effective) {
    return unexpected(std::string("capabilities are left"));
  }
  return {};
}

}  // namespace writ::process
