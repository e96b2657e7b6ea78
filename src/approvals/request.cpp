#include "approvals/request.h"

#include <algorithm>

#include "audit/record.h"
#include "crypto/hash.h"
#include "encoding/hidden_text.h"

namespace writ::approvals {
namespace {

// Remembered longer than it can be used, so that a person who looks a little late sees what became of it.
constexpr Seconds kRemembered{3600};

json::Value time_value(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

json::Value to_value(const Approval& approval) {
  return json::Value{{"user", approval.user}, {"user_name", approval.user_name}, {"break_glass", approval.break_glass}, {"time", time_value(approval.time)}};
}

// Reads members; remembers whether one was missing.
class Members {
 public:
  explicit Members(const json::Value& value) : value_(value) {}
  std::string text(const char* name) {
    const auto* found = value_.find_string(name);
    ok_ = ok_ && found;
    return found ? *found : std::string();
  }
  Instant time(const char* name) {
    const auto* found = value_.find_int(name);
    ok_ = ok_ && found;
    return found ? Instant(Milliseconds(*found)) : Instant();
  }
  bool flag(const char* name) {
    const auto* found = value_.find_bool(name);
    ok_ = ok_ && found;
    return found && *found;
  }
  std::optional<Approval> approval(const char* name) {
    const json::Value* found = value_.find(name);
    if (!found) return std::nullopt;
    Members members(*found);
    Approval approval;
    approval.user = members.text("user");
    approval.user_name = members.text("user_name");
    approval.break_glass = members.flag("break_glass");
    approval.time = members.time("time");
    ok_ = ok_ && members.ok_;
    return approval;
  }
  bool ok() const { return ok_; }

 private:
  const json::Value& value_;
  bool ok_ = true;
};

}  // namespace

std::string digest_of(const HeldCall& call) {
  std::string all = "writ held call 1\n";
  for (const std::string* part : {&call.user, &call.agent, &call.server, &call.tool, &call.arguments, &call.more, &call.definition_digest}) {
    all += std::to_string(part->size()) + ":" + *part;
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : crypto::sha256(all)) hex += kHex[byte >> 4], hex += kHex[byte & 0xF];
  return hex;
}

std::string_view to_string(State state) {
  switch (state) {
    case State::pending: return "pending";
    case State::approved: return "approved";
    case State::rejected: return "rejected";
    case State::expired: return "expired";
  }
  return "unknown";
}

bool Request::is_approved() const {
  return std::all_of(needs.begin(), needs.end(), [](const Need& need) { return need.approval.has_value(); });
}

State Request::state(Instant now) const {
  if (now >= expires) return State::expired;
  if (rejected) return State::rejected;
  return is_approved() ? State::approved : State::pending;
}

json::Value to_json(const Request& request, Instant now) {
  json::Array needs;
  for (const Need& need : request.needs) {
    json::Value item{{"policy", need.of.policy}, {"group", need.of.group}};
    if (need.approval) {
      item.set("approved_by", need.approval->user_name);
      item.set("approved_at", audit::to_iso8601(need.approval->time));
      if (need.approval->break_glass) item.set("break_glass", true);
    }
    needs.push_back(std::move(item));
  }
  json::Value out{{"id", request.id},
                  {"state", request.used ? "used" : to_string(request.state(now))},
                  {"user", request.call.user},
                  {"user_name", request.call.user_name},
                  {"agent", request.call.agent},
                  {"server", request.call.server},
                  {"tool", request.call.tool},
                  {"arguments_text", text::with_hidden_escaped(request.call.arguments)}};
  // Kept as text and read again: it was read before, with the limits of a whole message.
  if (auto arguments = json::parse(request.call.arguments, {1 << 20, 64, 200'000})) out.set("arguments", std::move(*arguments));
  if (!request.call.more.empty()) out.set("more_text", text::with_hidden_escaped(request.call.more));
  out.set("definition_digest", request.call.definition_digest);
  out.set("digest", request.digest);
  out.set("message", request.message);
  out.set("needs", std::move(needs));
  out.set("created", audit::to_iso8601(request.created));
  out.set("expires", audit::to_iso8601(request.expires));
  if (request.rejected) {
    out.set("rejected_by", request.rejected->user_name);
    out.set("rejected_at", audit::to_iso8601(request.rejected->time));
  }
  if (!request.reason.empty()) out.set("reason", request.reason);
  return out;
}

registry::Document document_of(const Request& request) {
  const HeldCall& call = request.call;
  json::Array needs;
  for (const Need& need : request.needs) {
    json::Value item{{"policy", need.of.policy}, {"group", need.of.group}};
    if (need.approval) item.set("approval", to_value(*need.approval));
    needs.push_back(std::move(item));
  }
  json::Value value{{"user", call.user},
                    {"user_name", call.user_name},
                    {"agent", call.agent},
                    {"server", call.server},
                    {"tool", call.tool},
                    {"arguments", call.arguments},
                    {"more", call.more},
                    {"definition_digest", call.definition_digest},
                    {"message", request.message},
                    {"needs", std::move(needs)},
                    {"created", time_value(request.created)},
                    {"expires", time_value(request.expires)},
                    {"reason", request.reason},
                    {"used", request.used}};
  if (request.rejected) value.set("rejected", to_value(*request.rejected));
  return {kTable, request.id, request.version, request.expires + kRemembered, json::write(value)};
}

Result<Request, Unavailable> read_request(const registry::Document& document) {
  const auto value = json::parse(document.json, {1 << 20, 32, 10'000});
  if (!value) return unexpected(Unavailable{"a stored approval request cannot be read"});
  Members members(*value);
  Request request;
  request.id = document.key;
  request.version = document.version;
  request.call = {members.text("user"), members.text("user_name"), members.text("agent"), members.text("server"),
                  members.text("tool"), members.text("arguments"), members.text("more"),  members.text("definition_digest")};
  request.digest = digest_of(request.call);
  request.message = members.text("message");
  request.created = members.time("created");
  request.expires = members.time("expires");
  request.reason = members.text("reason");
  request.used = members.flag("used");
  request.rejected = members.approval("rejected");
  const json::Array* needs = value->find_array("needs");
  bool ok = members.ok() && needs && !needs->empty();
  for (std::size_t i = 0; ok && i < needs->size(); ++i) {
    Members need((*needs)[i]);
    request.needs.push_back({{need.text("policy"), need.text("group")}, need.approval("approval")});
    ok = need.ok();
  }
  if (!ok) return unexpected(Unavailable{"a stored approval request cannot be read"});
  return request;
}

}  // namespace writ::approvals
