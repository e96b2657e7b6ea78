#include "gateway/tasks.h"

namespace writ::gateway {

const std::string* announced_task(const json::Value& result) {
  if (const json::Value* task = result.find("task"); task && task->is_object()) return task->find_string("taskId");
  const auto* type = result.find_string("resultType");
  return type && *type == "task" ? result.find_string("taskId") : nullptr;
}

namespace {

std::string owner_of(const std::string& server, const std::string& principal) { return server + "\n" + principal; }

}  // namespace

void Tasks::remember(const std::string& server, const std::string& principal, const std::string& id, TaskOrigin origin) {
  if (id.empty() || id.size() > limits_.id_bytes_max || !origin.call) return;
  const Key key{owner_of(server, principal), id};
  const std::size_t bytes = origin.call->write().size() + 3 * (key.owner.size() + id.size());
  if (bytes > limits_.bytes_max) return;
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = numbers_ + 1;
  // Never a second origin: a server that repeats an id must not move a task under another call's decision.
  if (!tasks_.try_emplace(key, Entry{std::make_shared<const TaskOrigin>(std::move(origin)), bytes, number}).second) return;
  numbers_ = number;
  by_age_.emplace(number, key);
  auto& own = of_owner_[key.owner];
  own.emplace(number, id);
  bytes_ += bytes;
  if (own.size() > limits_.of_principal_max) forget(Key{key.owner, own.begin()->second});
  while (bytes_ > limits_.bytes_max) forget(Key{by_age_.begin()->second});
}

void Tasks::forget(const Key& key) {
  const auto task = tasks_.find(key);
  bytes_ -= task->second.bytes;
  const auto own = of_owner_.find(key.owner);
  own->second.erase(task->second.number);
  if (own->second.empty()) of_owner_.erase(own);
  by_age_.erase(task->second.number);
  tasks_.erase(task);
}

std::shared_ptr<const TaskOrigin> Tasks::find(const std::string& server, const std::string& principal, const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto task = tasks_.find(Key{owner_of(server, principal), id});
  return task == tasks_.end() ? nullptr : task->second.origin;
}

}  // namespace writ::gateway
