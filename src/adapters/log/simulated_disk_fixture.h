#pragma once

// For tests only: a disk in memory that knows what was synced. Every write, sync, rename, removal and truncation is counted and can be made to
// fail, or be the last thing that happens before the power goes.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "adapters/log/files.h"

namespace writ::log::test {

// What is left of writes that were not synced.
enum class Loss {
  nothing,      // kill -9: the page cache lives on
  everything,   // power loss: none of them had reached the disk
  some,         // power loss: some sectors of some of them had, in any order
};

class SimulatedDisk final : public Files, public std::enable_shared_from_this<SimulatedDisk> {
 public:
  struct Node {
    std::string bytes, synced;
  };
  using Tree = std::map<std::string, std::shared_ptr<Node>>;

  // The operation with this number (from 1) and all later ones fail: the machine is off.
  std::uint64_t off_after = UINT64_MAX;
  // Asked before each operation: an error to give instead, with what was already carried out of a write ("12 bytes").
  struct Fault {
    bool no_space = false;
    std::size_t bytes_written = 0;
  };
  std::function<std::optional<Fault>(const std::string& operation, const std::string& path)> fault;

  std::uint64_t operations() const { return operations_; }
  Tree& tree() { return tree_; }

  // A disk as a machine finds it that is started again.
  std::shared_ptr<SimulatedDisk> after(Loss loss, std::uint32_t seed) const {
    const std::lock_guard lock(mutex_);
    auto disk = std::make_shared<SimulatedDisk>();
    std::mt19937 random(seed);
    // Of names that were changed and not synced, each may have been or not; with `some` all in order up to one of them.
    const Tree& names = loss == Loss::nothing || (loss == Loss::some && random() % 2 == 0) ? tree_ : synced_tree_;
    for (const auto& [path, node] : names) {
      auto kept = std::make_shared<Node>();
      kept->bytes = loss == Loss::nothing ? node->bytes : loss == Loss::everything ? node->synced : torn(*node, random);
      kept->synced = kept->bytes;
      disk->tree_[path] = kept;
    }
    disk->synced_tree_ = disk->tree_;
    return disk;
  }

  Result<std::unique_ptr<File>, IoError> open(const std::string& path, Mode mode) override;
  Result<std::vector<std::string>, IoError> list(const std::string& directory) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [path, node] : tree_) {
      if (path.starts_with(directory + "/") && path.find('/', directory.size() + 1) == std::string::npos) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
  }
  Result<void, IoError> make_directory(const std::string&) override { return {}; }
  Result<void, IoError> rename(const std::string& from, const std::string& to) override {
    TRY(count("rename", from));
    const std::lock_guard lock(mutex_);
    tree_[to] = tree_.at(from);
    tree_.erase(from);
    return {};
  }
  Result<void, IoError> remove(const std::string& path) override {
    TRY(count("remove", path));
    const std::lock_guard lock(mutex_);
    tree_.erase(path);
    return {};
  }
  Result<void, IoError> sync_directory(const std::string& path) override {
    TRY(count("sync_directory", path));
    const std::lock_guard lock(mutex_);
    std::erase_if(synced_tree_, [&](const auto& entry) { return is_in(entry.first, path) && !tree_.contains(entry.first); });
    for (const auto& [name, node] : tree_) {
      if (is_in(name, path)) synced_tree_[name] = node;
    }
    return {};
  }
  Result<std::unique_ptr<Lock>, IoError> lock(const std::string&) override { return std::make_unique<Lock>(); }

 private:
  friend class SimulatedFile;
  static bool is_in(const std::string& name, const std::string& directory) {
    return name.starts_with(directory + "/") && name.find('/', directory.size() + 1) == std::string::npos;
  }
  static std::string torn(const Node& node, std::mt19937& random) {
    constexpr std::size_t kSector = 512;
    std::string bytes = node.synced;
    bytes.resize(random() % 2 == 0 ? node.bytes.size() : std::min(node.bytes.size(), node.synced.size()), '\0');
    for (std::size_t at = 0; at < bytes.size(); at += kSector) {
      if (random() % 2 == 0) continue;
      const std::size_t size = std::min(kSector, bytes.size() - at);
      for (std::size_t i = at; i < at + size; ++i) bytes[i] = i < node.bytes.size() ? node.bytes[i] : '\0';
    }
    return bytes;
  }
  Result<void, IoError> count(const std::string& operation, const std::string& path, std::size_t* bytes_written = nullptr) {
    const std::lock_guard lock(mutex_);
    ++operations_;
    if (operations_ > off_after) return unexpected(IoError{false, "the machine is off"});
    if (fault) {
      if (const auto given = fault(operation, path)) {
        if (bytes_written) *bytes_written = given->bytes_written;
        return unexpected(IoError{given->no_space, operation + " of `" + path + "` was made to fail"});
      }
    }
    return {};
  }

  mutable std::mutex mutex_;
  Tree tree_, synced_tree_;
  std::uint64_t operations_ = 0;
};

class SimulatedFile final : public File {
 public:
  SimulatedFile(std::shared_ptr<SimulatedDisk> disk, std::shared_ptr<SimulatedDisk::Node> node, std::string path)
      : disk_(std::move(disk)), node_(std::move(node)), path_(std::move(path)) {}

  Result<void, IoError> write_at(std::uint64_t offset, std::string_view bytes) override {
    std::size_t part = 0;
    const auto counted = disk_->count("write", path_, &part);
    // The last write before the power goes may have been carried out in part.
    if (!counted && disk_->operations() == disk_->off_after + 1) part = bytes.size() / 2;
    put(offset, counted ? bytes : bytes.substr(0, part));
    return counted;
  }
  Result<std::string, IoError> read_at(std::uint64_t offset, std::size_t size) const override {
    const std::lock_guard lock(disk_->mutex_);
    return offset >= node_->bytes.size() ? std::string() : node_->bytes.substr(offset, size);
  }
  Result<std::uint64_t, IoError> size() const override {
    const std::lock_guard lock(disk_->mutex_);
    return std::uint64_t{node_->bytes.size()};
  }
  Result<void, IoError> truncate(std::uint64_t size) override {
    TRY(disk_->count("truncate", path_));
    const std::lock_guard lock(disk_->mutex_);
    node_->bytes.resize(size, '\0');
    return {};
  }
  Result<void, IoError> sync() override {
    TRY(disk_->count("sync", path_));
    const std::lock_guard lock(disk_->mutex_);
    node_->synced = node_->bytes;
    return {};
  }

 private:
  void put(std::uint64_t offset, std::string_view bytes) {
    const std::lock_guard lock(disk_->mutex_);
    if (bytes.empty()) return;
    if (node_->bytes.size() < offset + bytes.size()) node_->bytes.resize(offset + bytes.size(), '\0');
    node_->bytes.replace(offset, bytes.size(), bytes);
  }
  std::shared_ptr<SimulatedDisk> disk_;
  std::shared_ptr<SimulatedDisk::Node> node_;
  std::string path_;
};

inline Result<std::unique_ptr<File>, IoError> SimulatedDisk::open(const std::string& path, Mode mode) {
  if (mode == Mode::create) TRY(count("create", path));
  const std::lock_guard lock(mutex_);
  auto found = tree_.find(path);
  if (found == tree_.end()) {
    if (mode != Mode::create) return unexpected(IoError{false, "there is no `" + path + "`"});
    found = tree_.emplace(path, std::make_shared<Node>()).first;
  }
  if (mode == Mode::create) found->second->bytes.clear();
  return std::unique_ptr<File>(std::make_unique<SimulatedFile>(shared_from_this(), found->second, path));
}

}  // namespace writ::log::test
