#include "gateway/combined/asking.h"

#include <utility>

#include "gateway/way.h"
#include "mcp/streamable_http.h"

namespace writ::gateway::combined {
namespace {

using State = MemberAnswer::State;

constexpr const char* kOpeningId = "writ-initialize";
constexpr const char* kLevelId = "writ-log-level";
constexpr std::size_t kTitleBytesMax = 64 * 1024;

json::Limits limits_of(const Settings& settings) { return {settings.answer_bytes_max, settings.depth_max, settings.members_max}; }

json::Value request_of(const char* id, std::string_view method, json::Value params) {
  json::Value request{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
  request.set("params", std::move(params));
  return request;
}

}  // namespace

void Alarms::set(Instant when, std::function<void()> ring) {
  Executor* executor = Executor::current();
  if (!executor) return;
  const std::lock_guard lock(mutex_);
  waiting_.emplace(when, std::pair(executor, std::move(ring)));
}

void Alarms::visit_due(Instant now) {
  std::vector<std::pair<Executor*, std::function<void()>>> due;
  {
    const std::lock_guard lock(mutex_);
    const auto end = waiting_.upper_bound(now);
    for (auto one = waiting_.begin(); one != end; ++one) due.push_back(std::move(one->second));
    waiting_.erase(waiting_.begin(), end);
  }
  for (auto& [executor, ring] : due) executor->post(std::move(ring));
}

std::shared_ptr<MemberCall> Members::call(const Asking& asking, const std::string& member, const json::Value* message) const {
  const auto way = find_way(*asking.admission.snapshot, member, asking.admission.server->id);
  if (!way || !way->endpoint) return nullptr;
  const auto made = std::make_shared<MemberCall>();
  made->admission = asking.admission;
  made->admission.server = way->server, made->admission.endpoint = way->endpoint;
  made->request.method = message ? "POST" : "GET";
  made->request.peer = asking.from.peer;
  made->request.client_gone = asking.from.client_gone;
  made->exchange = gateway_.begin(asking.from, made->admission);
  made->exchange->era = asking.era;
  made->record = Recorder::base(*way->server, asking.admission.token.get(), &asking.admission.caller, made->request, asking.admission.now);
  http::Headers& headers = made->request.headers;
  if (asking.era == mcp::Era::modern) {
    for (const auto& [name, value] : asking.from.headers.fields()) {
      const bool is_param = name.size() > mcp::kParamHeaderPrefix.size() && http::equals_ignoring_case(name.substr(0, mcp::kParamHeaderPrefix.size()), mcp::kParamHeaderPrefix);
      if (is_param || http::equals_ignoring_case(name, mcp::kNameHeader)) headers.add(name, value);
    }
  }
  if (const auto open = asking.sessions ? asking.sessions->find(member) : nullptr) {
    made->exchange->session = open->session;
    headers.add(std::string(mcp::kVersionHeader), open->version);
  }
  made->exchange->stands = !message;
  if (!message) return made;
  made->request.body = json::write(*message);
  const Settings& settings = gateway_.dependencies().settings;
  auto parsed = mcp::Message::parse(made->request.body, {settings.message_bytes_max + kTitleBytesMax, settings.depth_max, settings.members_max});
  if (!parsed) return nullptr;
  made->exchange->message = std::move(*parsed);
  const mcp::Message& read = *made->exchange->message;
  made->record.method = read.is_response() ? "response" : Recorder::bounded(read.method());
  made->exchange->method = read.is_response() ? nullptr : mcp::find_method(read.method(), read.kind() == mcp::Message::Kind::notification);
  made->exchange->stands = made->exchange->method && made->exchange->method->stands;
  return made;
}

struct Members::Turn {
  Question question;
  std::shared_ptr<Exchange> exchange;    // of what is under way
  std::optional<MemberAnswer> answer;
};

class Members::Round {
 public:
  Round(std::shared_ptr<const Asking> about, std::vector<Question> questions, Instant until) : asking(std::move(about)), deadline(until), left(questions.size()) {
    for (Question& question : questions) turns.push_back({std::move(question), nullptr, std::nullopt});
  }
  void arrive(std::size_t index, MemberAnswer answer) {
    if (turns[index].answer) return;
    turns[index].answer = std::move(answer);
    if (--left == 0) end();
  }
  // Who has not answered has not.
  void expire() {
    for (Turn& turn : turns) {
      if (turn.answer) continue;
      turn.answer = MemberAnswer::of(State::timed_out);
      if (turn.exchange) turn.exchange->stop(Stopped::deadline);
    }
    left = 0;
    end();
  }
  bool is_over(std::size_t index) const { return turns[index].answer.has_value(); }
  void wait(std::function<void(bool)> resume) {
    if (left == 0) return resume(true);
    waiter_ = std::move(resume);
  }

  const std::shared_ptr<const Asking> asking;
  const Instant deadline;
  std::vector<Turn> turns;
  std::size_t left;

 private:
  void end() {
    const auto resume = std::exchange(waiter_, nullptr);
    if (resume) resume(true);
  }
  std::function<void(bool)> waiter_;
};

Task<std::vector<MemberAnswer>> Members::ask(std::shared_ptr<const Asking> asking, std::vector<Question> questions, std::shared_ptr<Exchange> own) {
  std::vector<MemberAnswer> answers;
  if (questions.empty()) co_return answers;
  const Dependencies& dependencies = gateway_.dependencies();
  const Instant deadline = dependencies.clock.now() + dependencies.settings.member_deadline;
  const auto round = std::make_shared<Round>(std::move(asking), std::move(questions), deadline);
  own->cancellation.on_request([weak = std::weak_ptr<Round>(round)] {
    if (const auto alive = weak.lock()) alive->expire();
  });
  alarms_.set(deadline, [weak = std::weak_ptr<Round>(round)] {
    if (const auto alive = weak.lock()) alive->expire();
  });
  auto begin = [this, &round](std::function<void(bool)> resume) {
    for (std::size_t i = 0; i < round->turns.size(); ++i) {
      spawn(take_turn(round, i), [round, i](std::exception_ptr exception) {
        if (exception) round->arrive(i, MemberAnswer::of(State::down));
      });
    }
    round->wait(std::move(resume));
  };
  auto wait = suspend_until<bool>(begin);
  co_await wait;
  own->cancellation.on_request(nullptr);
  for (Turn& turn : round->turns) answers.push_back(*turn.answer);
  co_return answers;
}

Task<void> Members::take_turn(std::shared_ptr<Round> round, std::size_t index) {
  const Asking& asking = *round->asking;
  const Turn& turn = round->turns[index];
  const std::string member = turn.question.member;
  if (round->is_over(index)) co_return;
  if (asking.era == mcp::Era::legacy && asking.sessions && !asking.sessions->find(member)) {
    auto failed = co_await open(round, index);
    if (failed) co_return round->arrive(index, std::move(*failed));
  }
  if (round->is_over(index)) co_return;
  if (!turn.question.message) {
    MemberAnswer opened = MemberAnswer::of(State::answered);
    if (const auto open = asking.sessions ? asking.sessions->find(member) : nullptr) opened.result = open->result;
    co_return round->arrive(index, std::move(opened));
  }
  json::Value message = *turn.question.message;
  auto answer = co_await send(round, index, std::move(message), true);
  if (answer) round->arrive(index, std::move(*answer));
}

Task<std::optional<MemberAnswer>> Members::send(std::shared_ptr<Round> round, std::size_t index, json::Value message, bool is_question) {
  if (round->is_over(index)) co_return std::nullopt;
  const std::string member = round->turns[index].question.member;
  const auto made = call(*round->asking, member, &message);
  if (!made) co_return MemberAnswer::of(State::refused);
  made->request.client_gone = nullptr;   // one hook for many: the round ends them all
  made->exchange->deadline = round->deadline;
  made->exchange->answer_within = gateway_.dependencies().settings.member_deadline;
  round->turns[index].exchange = made->exchange;
  const auto id = made->exchange->own_id();
  const bool is_opening = made->exchange->message->method() == mcp::kInitialize;
  http::Response response = co_await gateway_.walk(made->request, made->admission, made->exchange, made->record);
  const auto& sessions = round->asking->sessions;
  // TR-25: the member does not know its session any more.
  if (response.status == 404 && sessions && made->exchange->session && !is_opening) sessions->forget(member, *made->exchange->session);
  std::optional<MemberAnswer> answer;
  // The answer to the question counts at once, though its stream may go on.
  std::function<void(MemberAnswer)> found = [&answer, round, index, is_question](MemberAnswer told) {
    if (is_question) round->arrive(index, std::move(told));
    else answer = std::move(told);
  };
  const json::Limits limits = limits_of(gateway_.dependencies().settings);
  co_await read_answer(std::move(response), id, limits, std::move(found));
  if (is_opening && answer && answer->state == State::answered) {
    auto opened = std::make_shared<OpenMember>();
    opened->session = made->exchange->session;
    const auto* version = answer->result.find_string("protocolVersion");
    if (!opened->session || !version || !mcp::is_legacy_version(*version)) co_return MemberAnswer::of(State::down);
    opened->version = *version;
    opened->result = answer->result;
    opened->session->use(to_unix_seconds(made->admission.now), made->admission.token->expires);
    sessions->keep(member, std::move(opened));
  }
  co_return answer;
}

// `initialize` as the client sent it, `notifications/initialized`, and what the client set meanwhile. Absent: it is open.
Task<std::optional<MemberAnswer>> Members::open(std::shared_ptr<Round> round, std::size_t index) {
  const MemberSessions& sessions = *round->asking->sessions;
  const std::string member = round->turns[index].question.member;
  json::Value hello = request_of(kOpeningId, mcp::kInitialize, sessions.hello());
  auto opened = co_await send(round, index, std::move(hello), false);
  if (!opened || opened->state != State::answered) {
    if (opened) co_return opened;
    co_return MemberAnswer::of(State::down);
  }
  json::Value ready{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}};
  const auto heard = co_await send(round, index, std::move(ready), false);
  const auto open = sessions.find(member);
  const std::string level = sessions.log_level();
  if (!level.empty() && open && open->can("logging")) {
    json::Value set = request_of(kLevelId, "logging/setLevel", json::Value{{"level", level}});
    const auto is_set = co_await send(round, index, std::move(set), false);
  }
  co_return std::nullopt;
}

}  // namespace writ::gateway::combined
