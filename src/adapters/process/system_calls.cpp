#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "adapters/process/sandbox.h"

// Written by hand rather than with libseccomp: the filter is a list, and numbers that are newer than the list can be refused as a range.

namespace writ::process {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// Calls above it were not looked at: libraries take ENOSYS for an older kernel and do without.
constexpr std::uint32_t kNewestKnown = SYS_set_mempolicy_home_node;

// There is no honest use of these inside, so EPERM says what is the matter.
constexpr int kForbidden[] = {
    // mounts and roots
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_quotactl,
    SYS_quotactl_fd, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_fanotify_init, SYS_fanotify_mark, SYS_acct, SYS_swapon, SYS_swapoff,
    // namespaces
    SYS_unshare, SYS_setns,
    // other processes
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_process_mrelease, SYS_kcmp, SYS_pidfd_getfd, SYS_move_pages, SYS_migrate_pages,
    // the kernel
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module,
    SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_syslog, SYS_lookup_dcookie, SYS_nfsservctl, SYS_personality, SYS_vhangup,
    // keys
    SYS_keyctl, SYS_add_key, SYS_request_key,
    // the clock and the name of the machine
    SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname,
    // memory that no limit of ours counts
    SYS_shmget, SYS_msgget, SYS_semget, SYS_memfd_secret,
#if defined(__x86_64__)
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl, SYS_create_module, SYS_get_kernel_syms, SYS_query_module,
#endif
};
// Programs ask for these and have another way.
constexpr int kAbsent[] = {SYS_memfd_create, SYS_clone3};   // clone3: its flags stand in memory, where a filter cannot read them

// All flags of clone that make a namespace.
constexpr std::uint32_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
// Putting words into a terminal's input, and the console's own.
constexpr std::uint32_t kForbiddenIoctls[] = {TIOCSTI, 0x541C /* TIOCLINUX */, TIOCSETD, TIOCCONS};

class Filter {
 public:
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
  void load_number() { load(offsetof(seccomp_data, nr)); }
  // The lower half of an argument: the kernel looks at no more of these.
  void load_argument(std::size_t index) { load(offsetof(seccomp_data, args) + index * 8); }
  void answer(std::uint32_t what) { add(BPF_RET | BPF_K, what); }
  // What stands next is done only if the comparison holds; it is one instruction unless `steps` says more.
  void if_equal(std::uint32_t value, std::uint8_t steps = 1) { add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, steps); }
  void if_not_equal(std::uint32_t value) { add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0); }
  void if_at_least(std::uint32_t value) { add(BPF_JMP | BPF_JGE | BPF_K, value, 0, 1); }
  void if_any_of(std::uint32_t bits) { add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1); }
  std::vector<sock_filter>& code() { return code_; }

 private:
  void add(int operation, std::uint32_t value, std::uint8_t yes = 0, std::uint8_t no = 0) {
    code_.push_back(sock_filter{static_cast<std::uint16_t>(operation), yes, no, value});
  }
  std::vector<sock_filter> code_;
};

constexpr std::uint32_t error_of(int number) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number); }

}  // namespace

Result<void, std::string> filter_system_calls(const SandboxPlan& plan) {
  if (kArchitecture == 0) return unexpected(std::string("there is no filter of system calls for this processor"));
  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.if_not_equal(kArchitecture);
  filter.answer(SECCOMP_RET_KILL_PROCESS);
  filter.load_number();
  filter.if_at_least(0x40000000);   // x32: the same calls by other numbers
  filter.answer(SECCOMP_RET_KILL_PROCESS);
  filter.if_at_least(kNewestKnown + 1);
  filter.answer(error_of(ENOSYS));
  for (const int number : kForbidden) {
    filter.if_equal(static_cast<std::uint32_t>(number));
    filter.answer(error_of(EPERM));
  }
  for (const int number : kAbsent) {
    filter.if_equal(static_cast<std::uint32_t>(number));
    filter.answer(error_of(ENOSYS));
  }
  filter.if_equal(SYS_clone, 4);
  filter.load_argument(0);
  filter.if_any_of(kNewNamespaces);
  filter.answer(error_of(EPERM));
  filter.answer(SECCOMP_RET_ALLOW);
  constexpr auto kIoctls = std::size(kForbiddenIoctls);
  filter.if_equal(SYS_ioctl, static_cast<std::uint8_t>(2 + 2 * kIoctls));
  filter.load_argument(1);
  for (const std::uint32_t request : kForbiddenIoctls) {
    filter.if_equal(request);
    filter.answer(error_of(EPERM));
  }
  filter.answer(SECCOMP_RET_ALLOW);
  // A network namespace of its own holds the machine's abstract sockets off; where the network is shared, only this does. Other families
  // (vsock, packets, kernel interfaces) are not bounded by network namespaces.
  std::vector<std::uint32_t> families{AF_INET, AF_INET6, AF_NETLINK};
  if (!plan.network) families.push_back(AF_UNIX);
  filter.if_equal(SYS_socket, static_cast<std::uint8_t>(2 + 2 * families.size()));
  filter.load_argument(0);
  for (const std::uint32_t family : families) {
    filter.if_equal(family);
    filter.answer(SECCOMP_RET_ALLOW);
  }
  filter.answer(error_of(EAFNOSUPPORT));
  filter.answer(SECCOMP_RET_ALLOW);

  sock_fprog program{static_cast<unsigned short>(filter.code().size()), filter.code().data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return unexpected(std::string("system calls cannot be filtered: ") + std::strerror(errno));
  }
  return {};
}

}  // namespace writ::process
