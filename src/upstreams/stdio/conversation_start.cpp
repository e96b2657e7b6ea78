#include "mcp/streamable_http.h"
#include "upstreams/stdio/conversation.h"

// How a program begins: which era it speaks (TR-101), and, where it is shared, the one `initialize` that it gets, which is the gateway's own.

namespace writ::upstreams::stdio {
namespace {

constexpr std::string_view kSharedVersion = "2025-11-25";

bool is_modern_error(const json::Value& error) {
  const auto* code = error.find_int("code");
  return code && (*code == mcp::code::kUnsupportedVersion || *code == mcp::code::kHeaderMismatch || *code == mcp::code::kMissingCapability);
}

}  // namespace

void Conversation::begin(Programs& programs, Launch launch) {
  const SteadyTime now = settings_.now();
  const std::lock_guard lock(mutex_);   // what it says first waits until we have it
  life_.began = last_used_ = now;
  start_deadline_ = now + settings_.start_deadline;
  program_ = programs.start(std::move(launch), shared_from_this());
}

Task<Result<mcp::Era, Failure>> Conversation::ready() {
  const auto self = shared_from_this();
  auto begin = [this](std::function<void(bool)> resume) {
    {
      const std::lock_guard lock(mutex_);
      if (stage_ != Stage::ready && stage_ != Stage::over) {
        waiting_for_ready_.park(std::move(resume));
        return;
      }
    }
    resume(true);
  };
  auto waiting = suspend_until<bool>(begin);
  co_await waiting;
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::ready) co_return era_;
  co_return unexpected(*why_not_);
}

void Conversation::on_started() {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::starting) return;
  if (!purpose_.era) ask_era();
  else if (*purpose_.era == mcp::Era::legacy && purpose_.is_shared()) initialize();
  else become_ready(*purpose_.era);
}

void Conversation::ask_era() {
  stage_ = Stage::asking_era;
  stage_deadline_ = settings_.now() + settings_.era_answer;
  handshake_number_ = next_number_++;
  json::Value meta = json::Object{};
  meta.set(mcp::kMetaVersion, mcp::kModernVersion);
  meta.set(mcp::kMetaCapabilities, json::Object{});
  meta.set("io.modelcontextprotocol/clientInfo", json::Value{{"name", "writ"}, {"version", settings_.version}});
  json::Value params{{"_meta", std::move(meta)}};
  static_cast<void>(write(json::Value{{"jsonrpc", "2.0"}, {"id", handshake_number_}, {"method", mcp::kDiscover}, {"params", std::move(params)}}));
}

void Conversation::initialize() {
  stage_ = Stage::initializing;
  stage_deadline_ = SteadyTime::max();   // the start's own deadline
  handshake_number_ = next_number_++;
  // No capability of a client: a program that many share must not ask one of them anything.
  json::Value params{{"protocolVersion", kSharedVersion}, {"capabilities", json::Object{}}, {"clientInfo", json::Value{{"name", "writ"}, {"version", settings_.version}}}};
  static_cast<void>(write(json::Value{{"jsonrpc", "2.0"}, {"id", handshake_number_}, {"method", mcp::kInitialize}, {"params", std::move(params)}}));
}

bool Conversation::is_answer_to_handshake(const mcp::Message& message) {
  if (stage_ != Stage::asking_era && stage_ != Stage::initializing) return false;
  const auto* number = message.id() ? std::get_if<std::int64_t>(&*message.id()) : nullptr;
  if (!number || *number != handshake_number_) return false;
  const json::Value* result = message.value().find("result");
  if (stage_ == Stage::asking_era) {
    const bool modern = result ? result->find_array("supportedVersions") != nullptr : is_modern_error(*message.value().find("error"));
    if (modern) become_ready(mcp::Era::modern);
    else if (purpose_.is_shared()) initialize();
    else become_ready(mcp::Era::legacy);
    return true;
  }
  if (!result || !result->is_object() || !result->find_string("protocolVersion") || !mcp::is_legacy_version(*result->find_string("protocolVersion"))) {
    why_not_ = Failure{Failure::Kind::bad_response, "the program refused `initialize`", "", std::nullopt};
    stage_deadline_ = settings_.now();   // on_time ends it
    return true;
  }
  initialize_result_ = *result;
  if (const json::Value* offered = initialize_result_.find("capabilities")) {
    json::Value kept = *offered;
    // Logs and tasks belong to whoever caused them, which a shared program does not say.
    for (const char* name : {"logging", "tasks"}) kept.erase(name);
    initialize_result_.set("capabilities", std::move(kept));
  }
  static_cast<void>(write(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}));
  become_ready(mcp::Era::legacy);
  return true;
}

void Conversation::become_ready(mcp::Era era) {
  stage_ = Stage::ready;
  era_ = era;
  stage_deadline_ = start_deadline_ = SteadyTime::max();
  last_used_ = settings_.now();
  waiting_for_ready_.wake_all();
}

void Conversation::on_time(SteadyTime now) {
  std::string end_because;
  {
    const std::lock_guard lock(mutex_);
    if (stage_ == Stage::over) return;
    if (stage_ == Stage::asking_era && now >= stage_deadline_) {
      // Silence (TR-101).
      if (purpose_.is_shared()) initialize();
      else become_ready(mcp::Era::legacy);
    }
    if (stage_ == Stage::initializing && now >= stage_deadline_) end_because = "it refused `initialize`";
    if (now >= start_deadline_) end_because = "it could not be used in time";
    for (auto entry = pending_.begin(); entry != pending_.end();) {
      const auto next = std::next(entry);
      if (now >= entry->second.deadline) give_up(entry, Failure{Failure::Kind::timeout, "the program did not answer in time", "", std::nullopt});
      entry = next;
    }
    if (!end_because.empty()) complain(end_because);
  }
  if (!end_because.empty()) end(end_because, false);
}

void Conversation::on_ended(Ended ended) {
  std::shared_ptr<Program> program;
  const std::lock_guard lock(mutex_);
  program = std::exchange(program_, nullptr);   // goes when the lock is let go of
  if (stage_ == Stage::over) return;
  life_.ended = settings_.now();
  life_.had_served = stage_ == Stage::ready;
  life_.ended_while_asked_for_era = stage_ == Stage::asking_era;
  stage_ = Stage::over;
  why_not_ = Failure{ended.started ? Failure::Kind::closed : Failure::Kind::connect, "the program " + ended.why, "", std::nullopt};
  fail_all(*why_not_);
  waiting_for_ready_.wake_all();
}

}  // namespace writ::upstreams::stdio
