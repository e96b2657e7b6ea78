#include "adapters/process/sandbox_plan.h"

#include <charconv>

namespace writ::process {
namespace {

// LENGTH:BYTES, and a list is its length and its elements.
void put(std::string& out, std::string_view text) { out.append(std::to_string(text.size())).append(":").append(text); }
void put(std::string& out, std::int64_t number) { put(out, std::string_view(std::to_string(number))); }
void put(std::string& out, const std::vector<std::string>& list) {
  put(out, static_cast<std::int64_t>(list.size()));
  for (const auto& text : list) put(out, std::string_view(text));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool take(std::string& out) {
    const auto colon = left_.find(':');
    std::size_t size = 0;
    if (colon == std::string_view::npos) return false;
    const auto [end, problem] = std::from_chars(left_.data(), left_.data() + colon, size);
    if (problem != std::errc() || end != left_.data() + colon || size > left_.size() - colon - 1) return false;
    out.assign(left_.substr(colon + 1, size));
    left_.remove_prefix(colon + 1 + size);
    return true;
  }
  bool take(std::int64_t& out) {
    std::string text;
    if (!take(text)) return false;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc() && end == text.data() + text.size();
  }
  bool take(std::vector<std::string>& out) {
    std::int64_t size = 0;
    if (!take(size) || size < 0 || size > 100'000) return false;
    out.resize(static_cast<std::size_t>(size));
    for (auto& text : out) {
      if (!take(text)) return false;
    }
    return true;
  }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
};

}  // namespace

std::string encode(const SandboxPlan& plan) {
  std::string out;
  put(out, plan.supervisor);
  put(out, plan.command);
  put(out, plan.environment);
  put(out, std::int64_t{plan.network});
  put(out, plan.read_paths);
  put(out, plan.write_paths);
  put(out, plan.memory_bytes_max);
  put(out, plan.processes_max);
  put(out, plan.open_files_max);
  put(out, plan.own_user);
  return out;
}

Result<SandboxPlan, std::string> decode_plan(std::string_view bytes) {
  Reader reader(bytes);
  SandboxPlan plan;
  std::int64_t network = 0;
  const bool whole = reader.take(plan.supervisor) && reader.take(plan.command) && reader.take(plan.environment) && reader.take(network) && reader.take(plan.read_paths) &&
                     reader.take(plan.write_paths) && reader.take(plan.memory_bytes_max) && reader.take(plan.processes_max) && reader.take(plan.open_files_max) &&
                     reader.take(plan.own_user) && reader.at_end();
  if (!whole) return unexpected(std::string("the plan of the sandbox cannot be read"));
  plan.network = network == 1;
  if (plan.command.empty() || !plan.command.front().starts_with('/')) return unexpected(std::string("the plan of the sandbox names no program"));
  if (plan.memory_bytes_max <= 0 || plan.processes_max <= 0 || plan.open_files_max <= 0 || plan.own_user <= 0) {
    return unexpected(std::string("the plan of the sandbox has no bounds"));
  }
  return plan;
}

}  // namespace writ::process
