#include "gateway/answer_filter.h"

#include <algorithm>
#include <set>

#include "gateway/way.h"

namespace writ::gateway {
namespace {

using Fate = AnswerFilter::Admitted::Fate;

json::Value* find_member(json::Value& object, std::string_view name) {
  json::Object* members = object.as_object();
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [name](const json::Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

AnswerFilter::Admitted dropped(const char* reason) { return {Fate::drop, {}, reason, false, {}}; }

}  // namespace

AnswerFilter::Admitted AnswerFilter::admit(std::string_view text, const Exchange& exchange, Waiting waiting) const {
  const Settings& settings = dependencies_.settings;
  auto message = mcp::Message::parse_from_server(text, {settings.answer_bytes_max, settings.depth_max, settings.members_max});
  if (!message) return dropped("upstream_message_malformed");
  Admitted admitted;
  admitted.fate = Fate::pass;
  if (message->kind() == mcp::Message::Kind::request) {
    // Servers ask nothing on streams of the modern era (TR-55).
    return exchange.era == mcp::Era::modern ? dropped("upstream_request_in_modern_era") : admitted;
  }
  if (message->kind() == mcp::Message::Kind::notification && message->method() == "notifications/tasks/status") {
    const bool is_theirs = message->params() && owns_task(exchange, *message->params());
    return is_theirs ? admitted : dropped("unknown_task");
  }
  if (message->kind() == mcp::Message::Kind::notification || !message->id()) return admitted;

  const auto& own_id = exchange.own_id();
  admitted.is_own_answer = own_id && *own_id == *message->id();
  std::optional<std::uint8_t> lists;
  if (exchange.session) lists = exchange.session->find(*message->id());
  if (admitted.is_own_answer) {
    lists = static_cast<std::uint8_t>(lists.value_or(0) | static_cast<std::uint8_t>(exchange.method ? exchange.method->list : mcp::List::none));
  }
  // Nobody asked for it on this session: it might be anybody's answer.
  if (!lists) return dropped("unknown_response_id");
  if (message->kind() == mcp::Message::Kind::error) return admitted;
  remember_task(*message, exchange, admitted.is_own_answer);

  bool has_changed = false;
  std::vector<SeenDefinition> news;
  const auto snapshot = dependencies_.objects.get();
  const bool is_good = rewrite(*message, *lists, exchange, *snapshot, has_changed, news);
  if (const registry::Server* server = news.empty() ? nullptr : snapshot->server(exchange.server_id)) {
    if (waiting == Waiting::may && definitions_.is_worth_waiting(*snapshot, *server, news)) {
      admitted.fate = Fate::wait;
      admitted.news = std::move(news);
      return admitted;
    }
    definitions_.report(server->id, std::move(news));
  }
  if (!is_good) {
    admitted.fate = Fate::rewritten;
    admitted.text = json::write(mcp::error_response(message->id(), mcp::code::kInternalError, "the server's list is malformed"));
  } else if (has_changed) {
    admitted.fate = Fate::rewritten;
    admitted.text = message->write();
  }
  return admitted;
}

void AnswerFilter::remember_task(const mcp::Message& message, const Exchange& exchange, bool is_own_answer) const {
  const json::Value* result = message.value().find("result");
  const std::string* task = result ? announced_task(*result) : nullptr;
  if (!task) return;
  TaskOrigin origin;
  if (is_own_answer && exchange.method && exchange.method->need == mcp::Need::call) {
    origin = {std::make_shared<const mcp::Message>(*exchange.message), exchange.lifted};
  } else if (exchange.session) {
    if (auto call = exchange.session->find_call(*message.id())) origin = std::move(*call);
  }
  if (origin.call) tasks_.remember(exchange.server_id, exchange.token->principal.key, *task, std::move(origin));
}

bool AnswerFilter::owns_task(const Exchange& exchange, const json::Value& about) const {
  const auto* id = about.find_string("taskId");
  return id && tasks_.find(exchange.server_id, exchange.token->principal.key, *id);
}

void AnswerFilter::keep_own_tasks(json::Value& result, const Exchange& exchange) const {
  json::Value* tasks = find_member(result, "tasks");
  if (!tasks) return;
  if (!tasks->is_array()) *tasks = json::Array{};
  std::erase_if(*tasks->as_array(), [&](const json::Value& task) { return !owns_task(exchange, task); });
}

void AnswerFilter::keep_approved(json::Array& elements, mcp::List list, const registry::Snapshot& snapshot, const registry::Server& server, std::vector<SeenDefinition>& news) const {
  const auto kind = list == mcp::List::tools ? registry::ObjectKind::tool : registry::ObjectKind::prompt;
  json::Array kept;
  std::set<std::string> names;
  for (const json::Value& element : elements) {
    const auto* name = element.find_string("name");
    // Two of one name: which of them a call means is the server's secret. The first counts.
    if (!name || name->empty() || !names.insert(*name).second) continue;
    if (const auto approved = definitions_.look(snapshot, server, kind, *name, element, news)) kept.push_back(*approved->approved);
  }
  elements = std::move(kept);
}

void AnswerFilter::keep_approved_instructions(json::Value& result, const registry::Snapshot& snapshot, const registry::Server& server, std::vector<SeenDefinition>& news) const {
  json::Value* said = find_member(result, "instructions");
  if (!said) return;
  const auto approved = said->is_string() ? definitions_.look(snapshot, server, registry::ObjectKind::instructions, "", *said, news) : nullptr;
  if (approved) *said = *approved->approved;
  else result.erase("instructions");
}

bool AnswerFilter::rewrite(mcp::Message& message, std::uint8_t lists, const Exchange& exchange, const registry::Snapshot& snapshot, bool& has_changed,
                           std::vector<SeenDefinition>& news) const {
  json::Value& result = *find_member(message.value(), "result");
  if (json::Value* cache_scope = find_member(result, "cacheScope")) {
    // What one principal may see is no business of a shared cache (TR-92).
    *cache_scope = "private";
    has_changed = true;
  }
  if (lists == 0) return true;
  has_changed = true;
  const auto tools = dependencies_.tools ? dependencies_.tools->get() : std::make_shared<const policy::ToolCatalogue>();
  const auto policy = dependencies_.policy.get();
  const auto way = find_way(snapshot, exchange.server_id, exchange.endpoint_id);
  const registry::Server* server = way ? way->server : nullptr;
  const auto caller = authentication_.resolve(*exchange.token, snapshot);
  if ((lists & static_cast<std::uint8_t>(mcp::List::instructions)) != 0) {
    if (server && caller) keep_approved_instructions(result, snapshot, *server, news);
    else result.erase("instructions");
  }
  if ((lists & static_cast<std::uint8_t>(mcp::List::tasks)) != 0) keep_own_tasks(result, exchange);
  for (const mcp::List list : {mcp::List::tools, mcp::List::prompts, mcp::List::resources, mcp::List::resource_templates}) {
    if ((lists & static_cast<std::uint8_t>(list)) == 0) continue;
    const mcp::ListShape* shape = mcp::shape_of(list);
    json::Value* elements = find_member(result, shape->member);
    if (!elements) continue;
    if (!server || !caller) {
      *elements = json::Array{};   // revoked meanwhile: nothing is theirs to see
      continue;
    }
    const bool is_reviewed = list == mcp::List::tools || list == mcp::List::prompts;
    if (is_reviewed && elements->is_array()) keep_approved(*elements->as_array(), list, snapshot, *server, news);
    const Circumstances circumstances{snapshot, *server, *exchange.token, *caller, *policy, *tools, definitions_, exchange.ip, dependencies_.clock.now(), way->endpoint};
    if (!filter_list(circumstances, list, result)) return false;
  }
  return true;
}

}  // namespace writ::gateway
