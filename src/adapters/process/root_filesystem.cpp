#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "adapters/process/sandbox.h"
#include "base/descriptor.h"

// The program's `/` is built from nothing: what is not put in here does not exist for it. Trees are copied, made read-only and only then
// attached, so that there is no moment in which they can be written to.

namespace writ::process {
namespace {

// Where the new root is built. It exists on every system, and the copy of it that the program sees is taken before it is covered.
constexpr const char* kStage = "/usr";
constexpr unsigned kReadOnly = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr unsigned kWritable = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr unsigned kDevice = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

using Done = Result<void, std::string>;

std::string why() { return std::string(": ") + std::strerror(errno); }
std::string staged(const std::string& path) { return kStage + path; }

// A tree of the machine's file system, not attached anywhere.
class Tree {
 public:
  Tree(std::string at, Descriptor descriptor) : at_(std::move(at)), descriptor_(std::move(descriptor)) {}
  const std::string& at() const { return at_; }
  int descriptor() const { return descriptor_.get(); }

 private:
  std::string at_;
  Descriptor descriptor_;
};

Result<std::optional<Tree>, std::string> copy_tree(const std::string& path, unsigned attributes, bool required) {
  Descriptor descriptor(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!descriptor.is_open()) {
    if (!required && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return std::optional<Tree>();
    return unexpected("`" + path + "` cannot be shown to the program" + why());
  }
  Tree tree(path, std::move(descriptor));
  mount_attr wanted{};
  wanted.attr_set = attributes;
  if (::mount_setattr(tree.descriptor(), "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted) != 0) {
    return unexpected("`" + path + "` cannot be made safe to show" + why() + " (needs Linux 5.12)");
  }
  return std::optional<Tree>(std::move(tree));
}

bool exists(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0;
}

// The folders above `path`, and `path` itself when it is to be one.
Done make_folders(const std::string& path, bool itself) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (slash + 1 == path.size()) break;
    if (const std::string folder = path.substr(0, slash); !exists(folder) && ::mkdir(folder.c_str(), 0755) != 0) return unexpected("`" + folder + "`" + why());
  }
  if (itself && !exists(path) && ::mkdir(path.c_str(), 0755) != 0) return unexpected("`" + path + "`" + why());
  return {};
}

Done write_new_file(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return unexpected("`" + path + "`" + why());
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  if (!written) return unexpected("`" + path + "`" + why());
  return {};
}

Done attach(const Tree& tree) {
  const std::string at = staged(tree.at());
  struct stat about {};
  if (::fstat(tree.descriptor(), &about) != 0) return unexpected("`" + tree.at() + "`" + why());
  if (!exists(at)) {
    TRY(make_folders(at, S_ISDIR(about.st_mode)));
    if (!S_ISDIR(about.st_mode)) TRY(write_new_file(at, ""));
  }
  if (::move_mount(tree.descriptor(), "", AT_FDCWD, at.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) return unexpected("`" + tree.at() + "` cannot be put into place" + why());
  return {};
}

Done mount_memory(const std::string& at, std::int64_t bytes, const std::string& owner) {
  TRY(make_folders(at, true));
  const std::string options = "size=" + std::to_string(bytes) + ",nr_inodes=" + std::to_string(std::max<std::int64_t>(bytes / 8192, 512)) + "," + owner;
  if (::mount("memory", at.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) return unexpected("a file system in memory cannot be made" + why());
  return {};
}

// A link of the machine, as it is there, but never leading out of the new root.
Done copy_link(const std::string& path, const std::string& target) {
  const std::string relative = target.starts_with('/') ? target.substr(1) : target;
  if (::symlink(relative.c_str(), staged(path).c_str()) != 0) return unexpected("`" + path + "`" + why());
  return {};
}

std::optional<std::string> link_target(const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  if (size <= 0 || size == static_cast<ssize_t>(sizeof target)) return std::nullopt;
  return std::string(target, static_cast<std::size_t>(size));
}

bool is_below(const std::string& path, const std::string& folder) { return path == folder || path.starts_with(folder + "/"); }

Done write_identity(const SandboxUser& user) {
  std::string people, groups;
  for (const unsigned id : {1000U, user.outside}) {
    people += (id == 1000 ? "program:x:" : "program-outside:x:") + std::to_string(id) + ":" + std::to_string(id) + "::/home/program:/usr/sbin/nologin\n";
    groups += (id == 1000 ? "program:x:" : "program-outside:x:") + std::to_string(id) + ":\n";
    if (user.outside == 1000) break;
  }
  TRY(write_new_file(staged("/etc/passwd"), people + "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"));
  TRY(write_new_file(staged("/etc/group"), groups + "nogroup:x:65534:\n"));
  TRY(write_new_file(staged("/etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"));
  TRY(write_new_file(staged("/etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n"));
  return write_new_file(staged("/etc/hostname"), "sandbox\n");
}

Done fill_devices(std::vector<Tree>& devices, std::int64_t memory) {
  TRY(make_folders(staged("/dev"), true));
  for (const Tree& device : devices) TRY(attach(device));
  for (const auto& [name, target] : {std::pair("/dev/fd", "/proc/self/fd"), {"/dev/stdin", "/proc/self/fd/0"}, {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"}}) {
    if (::symlink(target, staged(name).c_str()) != 0) return unexpected("`" + std::string(name) + "`" + why());
  }
  return mount_memory(staged("/dev/shm"), memory / 8, "mode=1777");
}

// What exists of these is shown read-only: the loader's cache, certificates, time zone, names of services. Nothing that tells of people,
// hosts or secrets.
constexpr const char* kFromEtc[] = {"/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/localtime",
                                    "/etc/services", "/etc/protocols", "/etc/mime.types"};
constexpr const char* kFromEtcWithNetwork[] = {"/etc/resolv.conf", "/etc/gai.conf", "/etc/host.conf"};
constexpr const char* kSystem[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

Result<std::vector<Tree>, std::string> copy_all(const std::vector<std::string>& paths, unsigned attributes, bool required) {
  std::vector<Tree> trees;
  for (const auto& path : paths) {
    auto tree = TRY(copy_tree(path, attributes, required));
    if (tree) trees.push_back(std::move(*tree));
  }
  return trees;
}

}  // namespace

Result<void, std::string> build_root(const SandboxPlan& plan, const SandboxUser& user) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return unexpected("mounts cannot be kept apart from the machine's" + why());
  std::vector<std::string> system, etc(std::begin(kFromEtc), std::end(kFromEtc));
  std::vector<std::pair<std::string, std::string>> links;
  for (const char* path : kSystem) {
    if (auto target = link_target(path)) links.emplace_back(path, std::move(*target));
    else system.emplace_back(path);
  }
  if (plan.network) etc.insert(etc.end(), std::begin(kFromEtcWithNetwork), std::end(kFromEtcWithNetwork));
  std::vector<std::string> read_paths;
  for (const auto& path : plan.read_paths) {
    // What the system's folders show already is there.
    const bool shown = std::any_of(system.begin(), system.end(), [&](const auto& folder) { return is_below(path, folder); });
    if (!shown) read_paths.push_back(path);
  }
  auto write_paths = plan.write_paths;
  const auto outermost_first = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  std::sort(read_paths.begin(), read_paths.end(), outermost_first);
  std::sort(write_paths.begin(), write_paths.end(), outermost_first);

  auto system_trees = TRY(copy_all(system, kReadOnly, false));
  auto etc_trees = TRY(copy_all(etc, kReadOnly, false));
  auto devices = TRY(copy_all({std::begin(kDevices), std::end(kDevices)}, kDevice, true));
  auto read_trees = TRY(copy_all(read_paths, kReadOnly, true));
  auto write_trees = TRY(copy_all(write_paths, kWritable, true));

  const std::string owner = "mode=0700,uid=" + std::to_string(user.from_root ? user.outside : user.inside) + ",gid=" + std::to_string(user.from_root ? user.outside : user.inside);
  if (::mount("sandbox", kStage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0) return unexpected("the root of the sandbox cannot be made" + why());
  for (const Tree& tree : system_trees) TRY(attach(tree));
  for (const auto& [path, target] : links) TRY(copy_link(path, target));
  TRY(make_folders(staged("/etc"), true));
  for (const Tree& tree : etc_trees) TRY(attach(tree));
  TRY(write_identity(user));
  TRY(fill_devices(devices, plan.memory_bytes_max));
  TRY(make_folders(staged("/proc"), true));
  if (::mount("proc", staged("/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return unexpected("`/proc` of the sandbox cannot be mounted" + why() + "; a container that hides parts of its own `/proc` does not allow it");
  }
  TRY(mount_memory(staged("/tmp"), plan.memory_bytes_max / 4, owner));
  TRY(mount_memory(staged("/home/program"), plan.memory_bytes_max / 8, owner));
  for (const Tree& tree : read_trees) TRY(attach(tree));
  for (const Tree& tree : write_trees) TRY(attach(tree));

  // The old root goes away whole.
  if (::chdir(kStage) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    return unexpected("the root of the sandbox cannot be put into place" + why());
  }
  mount_attr wanted{};
  wanted.attr_set = kReadOnly;
  if (::mount_setattr(AT_FDCWD, "/", 0, &wanted, sizeof wanted) != 0) return unexpected("the root of the sandbox cannot be made read-only" + why());
  return {};
}

}  // namespace writ::process
