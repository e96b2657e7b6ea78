#include "policy/preview/replay.h"

#include <algorithm>
#include <deque>
#include <list>
#include <set>
#include <tuple>
#include <unordered_map>

#include "audit/record.h"
#include "policy/argument_type.h"
#include "policy/inquiry.h"
#include "policy/preview/access_values.h"
#include "policy/preview/mentions.h"
#include "policy/preview/partial_question.h"
#include "policy/preview/recorded_line.h"
#include "policy/preview/residues.h"
#include "policy/preview/slots.h"
#include "policy/preview/things.h"
#include "policy/recorded_arguments.h"
#include "policy/vocabulary.h"
#include "registry/fields.h"

namespace writ::policy::preview {
namespace {

using cedar::ast::Variable;

constexpr std::size_t kSnapshotsKept = 4;
constexpr std::size_t kRemembered = 500'000;   // decisions; beyond, all are forgotten
constexpr std::size_t kRowsMax = 50'000;
constexpr std::string_view kCut = "…";         // how a record marks a text that was too long for it

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class Value>
using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class Numbers {
 public:
  std::uint32_t of(std::string_view text) {
    const std::uint64_t hash = std::hash<std::string_view>()(text);
    const std::uint32_t found = slots_.find(hash, [&](std::uint32_t number) { return texts_[number] == text; });
    if (found != Slots::kNone) return found;
    const auto number = static_cast<std::uint32_t>(texts_.size());
    texts_.push_back(arena_.copy(text));
    slots_.add(hash, number);
    return number;
  }
  void clear() {
    slots_.clear();
    texts_.clear();
    arena_.clear();
  }

 private:
  Slots slots_;
  std::vector<std::string_view> texts_;
  cedar::Arena arena_;
};

// What is asked about, the person apart: through what and on what, each with what was known of it then.
struct Parties {
  std::uint32_t agent = 0, server = 0, subject = 0, action = 0;
  friend bool operator==(const Parties&, const Parties&) = default;
};
std::uint64_t hash_of(const Parties& parties) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const std::uint32_t part : {parties.agent, parties.server, parties.subject, parties.action}) hash = (hash ^ part) * 0x9E3779B97F4A7C15ull, hash ^= hash >> 29;
  return hash;
}

// What the candidate says.
struct Verdict {
  enum class Answer : std::uint8_t { deny, allow, hold, unknown } answer = Answer::unknown;
  std::string reason;
  std::vector<std::string> policies;
};

// A question for any person: what remains of the candidate's policies, and what its completion needs.
struct Place {
  Parties parties;
  std::uint32_t number = 0;
  std::unique_ptr<Question> question;     // null: the objects of then do not have what it is about
  Thing thing;
  const ThingResidues* residues = nullptr;   // places that policies do not tell apart share them: what is looked at for each record stays small
  bool is_personal = false;               // some condition reads the person
  struct Reader {
    PersonTest who;
    bool reads_all = false;
    std::vector<std::string> members;
  };
  std::optional<std::vector<Reader>> readers;   // of arguments; absent until somebody asks
};

// A user of then.
struct Somebody {
  bool is_looked_up = false;
  const registry::User* user = nullptr;   // null: there was none, or a disabled one
  GroupSet groups;
  std::uint32_t mentioned = GroupNumbers::kNotMentioned;
  bool is_looked_into = false;            // a policy reads attributes of exactly this user
  std::optional<std::uint32_t> facts;     // Person::key, when somebody asked
};

std::string facts_of(const registry::Agent& agent) {
  std::string facts;
  const auto add = [&facts](std::string_view part) { (facts += std::to_string(part.size()) += ':') += part; };
  add(agent.id);
  add(agent.active ? "active" : "");
  add(agent.vendor);
  for (const auto& group : agent.groups) add(group);
  // For records that do not say how it authenticated.
  facts += '|';
  if (agent.idp) add(registry::to_string(agent.idp->authentication));
  for (const auto& at : agent.resource_as) add(at.issuer), add(registry::to_string(at.registration.authentication));
  return facts;
}

std::string facts_of(const registry::Server& server) {
  std::string facts;
  const auto add = [&facts](std::string_view part) { (facts += std::to_string(part.size()) += ':') += part; };
  add(server.id);
  add(server.active ? "active" : "");
  add(server.environment);
  add(server.resource_as);
  for (const auto& group : server.groups) add(group);
  for (const auto& scope : server.scopes) {
    facts += scope.high_impact ? '!' : '|';
    add(scope.name);
    for (const auto& tool : scope.tools) add(tool);
  }
  return facts;
}

constexpr std::uint32_t kNotLookedUp = UINT32_MAX;

// Objects of one sequence, and the numbers of the facts that were looked up in them; by the numbers of the names.
struct Then {
  std::shared_ptr<const registry::Snapshot> objects;
  std::shared_ptr<const ToolCatalogue> tools;
  std::vector<Somebody> users;
  std::vector<std::uint32_t> agents, servers;
};

// Facts of tools of one catalogue, by the numbers of the server's facts and the tool's name.
struct ToolNumbers {
  std::shared_ptr<const ToolCatalogue> tools;
  Slots slots;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> facts;
};

template <class Value>
Value& at(std::vector<Value>& values, std::uint32_t number, const Value& fresh) {
  if (number >= values.size()) values.resize(number + 1 + values.size() / 2, fresh);
  return values[number];
}

template <class Visit>
void for_each_part(std::string_view list, char separator, Visit visit) {
  while (!list.empty()) {
    const auto end = std::min(list.find(separator), list.size());
    if (end > 0) visit(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

bool has_part(std::string_view list, char separator, std::string_view wanted) {
  bool found = false;
  for_each_part(list, separator, [&](std::string_view part) { found = found || part == wanted; });
  return found;
}

Thing thing_of(Action action, std::string subject) {
  switch (action) {
    case Action::connect: return {Thing::Kind::connect, ""};
    case Action::grant_scope: return {Thing::Kind::scope, std::move(subject)};
    case Action::call: return {Thing::Kind::tool, std::move(subject)};
    case Action::read_resource: return {Thing::Kind::read_resource, std::move(subject)};
    case Action::subscribe: return {Thing::Kind::subscribe, std::move(subject)};
    case Action::get_prompt: return {Thing::Kind::get_prompt, std::move(subject)};
    case Action::complete: return {Thing::Kind::complete_prompt, std::move(subject)};
  }
  return {};
}

}  // namespace

struct Replay::State {
  explicit State(const CedarPolicy& policy) : candidate(policy), mentions(mentions_of(policy)), groups(mentions), values(std::make_unique<AccessValues>()), residues(std::make_unique<Residues>(groups, *values)) {
    for (const auto& compiled : policy.policies().policies()) {
      if (compiled.reads(Variable::context, "args")) readers.push_back(&compiled);
    }
  }

  static Mentions mentions_of(const CedarPolicy& policy) {
    Mentions mentions;
    add_mentions(policy, mentions);
    return mentions;
  }

  const CedarPolicy& candidate;
  const Mentions mentions;
  const GroupNumbers groups;
  std::unique_ptr<AccessValues> values;
  std::unique_ptr<Residues> residues;
  std::vector<const cedar::CompiledPolicy*> readers;

  RecordedLine line;
  std::list<std::pair<std::uint64_t, Then>> then;   // the last used first
  Numbers facts, subjects, user_names, agent_names, server_names;
  std::list<ToolNumbers> tool_numbers;              // the last used first
  Slots place_numbers;
  std::deque<Place> places;
  std::deque<ThingResidues> residue_lists;
  std::unordered_multimap<std::size_t, const ThingResidues*> by_hash;   // of residue_lists
  ByText<Verdict> decided;
  Verdict special;                                  // of who is looked into: never kept
  std::string key;                                  // kept for its memory
  std::unordered_map<std::string, ReplayRow> rows;
  ReplayReport totals;

  Then* find_then(std::uint64_t sequence) {
    for (auto at = then.begin(); at != then.end(); ++at) {
      if (at->first != sequence) continue;
      if (at != then.begin()) then.splice(then.begin(), then, at);
      return &at->second;
    }
    return nullptr;
  }

  // What has been worked out is forgotten, not what has been found.
  void forget() {
    place_numbers.clear();
    places.clear();
    by_hash.clear();
    residue_lists.clear();
    decided.clear();
    values = std::make_unique<AccessValues>();
    residues = std::make_unique<Residues>(groups, *values);
    for (Numbers* numbers : {&facts, &subjects, &user_names, &agent_names, &server_names}) numbers->clear();
    tool_numbers.clear();
    for (auto& [sequence, one] : then) one.users.clear(), one.agents.clear(), one.servers.clear();
  }

  // The number of an object's facts of then.
  template <class Find, class Describe>
  std::uint32_t number_of(std::vector<std::uint32_t>& numbers, std::uint32_t name, std::string_view id, Find find, Describe describe) {
    std::uint32_t& number = at(numbers, name, kNotLookedUp);
    if (number != kNotLookedUp) return number;
    const auto* object = find(id);
    return number = facts.of(object ? describe(*object) : "none " + std::string(id));
  }
  std::uint32_t number_of_tool(const Then& objects, std::uint32_t server_facts, std::string_view server, std::string_view tool);

  bool read_line(const audit::StoredRecord& record, Then*& objects, std::optional<std::uint64_t>& wanted);
  void replay_token_leg(Then& objects, Action last, std::uint64_t position);
  void replay(Then& objects, Action action, std::string_view subject, bool was_allowed, std::uint64_t position);
  Somebody& somebody_of(Then& objects);
  const ThingResidues* shared(ThingResidues found);
  Person person_of(const Then& objects, const Place& place, Somebody& somebody);
  Place& place_of(Then& objects, Action action, std::string_view subject);
  const std::vector<Place::Reader>& readers_of(Place& place);
  Circumstances read_of(const Place& place, const Somebody& somebody, const Person& person) const;
  const Verdict& verdict_of(const Then& objects, Place& place, Somebody& somebody);
  Verdict decide(const Then& objects, Place& place, Somebody& somebody);
  std::optional<Verdict> decide_in_doubt(const Question& question, Place& place, const Person& person, const std::optional<RecordedArguments>& recorded);
  template <class Decide>
  void note(Action action, std::string_view subject, Replayed outcome, Verdict verdict, std::uint64_t position, Decide decide_example);
};

// False: not a decision of policy, or the objects are wanted first.
bool Replay::State::read_line(const audit::StoredRecord& record, Then*& objects, std::optional<std::uint64_t>& wanted) {
  if (!line.read(record.json_line)) return ++totals.unreadable, false;
  const std::string_view event = line[RecordedLine::event];
  if (event != "call" && event != "id_jag" && event != "access_token") return false;
  if (line[RecordedLine::action].empty() || line[RecordedLine::user].empty() || line[RecordedLine::agent].empty() || line[RecordedLine::server].empty()) {
    ++totals.not_decided_by_policy;
    return false;
  }
  for (const auto member : {RecordedLine::tool, RecordedLine::scope, RecordedLine::amr, RecordedLine::issuer, RecordedLine::dropped_scopes, RecordedLine::above_ceiling}) {
    if (line[member].ends_with(kCut)) return ++totals.unreadable, false;
  }
  const std::int64_t sequence = line.number(RecordedLine::object_sequence, 0);
  objects = find_then(static_cast<std::uint64_t>(std::max<std::int64_t>(sequence, 0)));
  if (!objects) wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(sequence, 0));
  return objects != nullptr;
}

// One record for the connection and for each scope that was put to policy.
void Replay::State::replay_token_leg(Then& objects, Action last, std::uint64_t position) {
  const bool connected = last == Action::grant_scope;
  replay(objects, Action::connect, "", connected, position);
  if (!connected) return;
  const std::string_view dropped = line[RecordedLine::dropped_scopes], above = line[RecordedLine::above_ceiling];
  for_each_part(line[RecordedLine::scope], ' ', [&](std::string_view scope) {
    if (!has_part(dropped, ',', scope) && !has_part(above, ',', scope)) replay(objects, Action::grant_scope, scope, true, position);
  });
  for_each_part(dropped, ',', [&](std::string_view scope) { replay(objects, Action::grant_scope, scope, false, position); });
}

Somebody& Replay::State::somebody_of(Then& objects) {
  static const Somebody kNobody;
  const std::string_view id = line[RecordedLine::user];
  Somebody& somebody = at(objects.users, user_names.of(id), kNobody);
  if (somebody.is_looked_up) return somebody;
  somebody.is_looked_up = true;
  const registry::User* user = objects.objects->user(id);
  if (!user || !user->active) return somebody;
  somebody.user = user;
  somebody.groups = groups.of(*user, *objects.objects);
  somebody.mentioned = groups.number_of_user(user->id);
  somebody.is_looked_into = mentions.users_looked_into.contains(user->id);
  return somebody;
}

std::uint32_t Replay::State::number_of_tool(const Then& objects, std::uint32_t server_facts, std::string_view server, std::string_view tool) {
  auto known = std::find_if(tool_numbers.begin(), tool_numbers.end(), [&](const ToolNumbers& one) { return one.tools == objects.tools; });
  if (known == tool_numbers.end()) {
    tool_numbers.push_front({objects.tools, {}, {}});
    if (tool_numbers.size() > kSnapshotsKept) tool_numbers.pop_back();
    known = tool_numbers.begin();
  }
  const std::uint64_t name = std::uint64_t{server_facts} << 32 | subjects.of(tool);
  const std::uint64_t hash = (name ^ name >> 29) * 0x9E3779B97F4A7C15ull, mixed = hash ^ hash >> 32;
  const std::uint32_t found = known->slots.find(mixed, [&](std::uint32_t number) { return known->facts[number].first == name; });
  if (found != Slots::kNone) return known->facts[found].second;
  static const ToolCatalogue kNoTools;
  const AccessState state{candidate, *objects.objects, objects.tools ? *objects.tools : kNoTools};
  // Tools that the candidate cannot tell apart are one; what scopes name them is the server's.
  std::string text = "tool " + std::string(tool);
  if (const registry::Server* of = objects.objects->server(server)) {
    const auto type = state.tools.facts(server, tool).argument_type;
    text = "tool " + tool_key(state, mentions, *of, std::string(tool)) + "\n" + (type ? to_cedar(*type) : "unknown");
  }
  known->slots.add(mixed, static_cast<std::uint32_t>(known->facts.size()));
  return known->facts.emplace_back(name, facts.of(text)).second;
}

const ThingResidues* Replay::State::shared(ThingResidues found) {
  std::size_t hash = found.can_be_asked;
  for (const Residue& residue : found.residues) hash = (hash ^ residue.who.number ^ static_cast<std::size_t>(residue.contribution.condition) << 20 ^ static_cast<std::size_t>(residue.personal) << 40) * 0x9E3779B97F4A7C15ull;
  const auto [begin, end] = by_hash.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    if (*at->second == found) return at->second;
  }
  return by_hash.emplace(hash, &residue_lists.emplace_back(std::move(found)))->second;
}

Person Replay::State::person_of(const Then& objects, const Place& place, Somebody& somebody) {
  if (place.is_personal && !somebody.facts) {
    std::string text = somebody.user->id + "\n" + facts_key(*somebody.user, mentions);
    text.append(reinterpret_cast<const char*>(somebody.groups.data()), somebody.groups.size() * sizeof(std::uint64_t));
    somebody.facts = facts.of(text);
  }
  return {somebody.groups, somebody.mentioned, somebody.facts.value_or(0), somebody.user, objects.objects.get()};
}

// Precondition: the user of the line was there and active.
Place& Replay::State::place_of(Then& objects, Action action, std::string_view subject) {
  const registry::Snapshot& snapshot = *objects.objects;
  const std::string_view agent = line[RecordedLine::agent], server = line[RecordedLine::server], method = line[RecordedLine::agent_authentication];
  Parties parties;
  parties.agent = number_of(objects.agents, agent_names.of(agent), agent, [&](auto id) { return snapshot.agent(id); }, [&](const auto& one) { return facts_of(one); });
  parties.server = number_of(objects.servers, server_names.of(server), server, [&](auto id) { return snapshot.server(id); }, [&](const auto& one) { return facts_of(one); });
  parties.subject = action == Action::call ? number_of_tool(objects, parties.server, server, subject) : subjects.of(subject);
  parties.action = static_cast<std::uint32_t>(action) | subjects.of(method) << 4;
  const std::uint64_t hash = hash_of(parties);
  const std::uint32_t known = place_numbers.find(hash, [&](std::uint32_t number) { return places[number].parties == parties; });
  if (known != Slots::kNone) return places[known];
  place_numbers.add(hash, static_cast<std::uint32_t>(places.size()));
  Place& place = places.emplace_back();
  place.parties = parties;
  place.number = static_cast<std::uint32_t>(places.size());
  place.thing = thing_of(action, std::string(subject));
  static const ToolCatalogue kNoTools;
  const AccessState state{candidate, snapshot, objects.tools ? *objects.tools : kNoTools};
  auto question = question_of(state, std::string(line[RecordedLine::user]), std::string(agent), std::string(server), place.thing);
  if (!question) return place;
  place.question = std::make_unique<Question>(std::move(*question));
  if (!method.empty()) place.question->agent.authentication = method;
  place.residues = shared(residues->of(candidate, *place.question, place.thing));
  place.is_personal = std::ranges::any_of(place.residues->residues, [](const Residue& residue) { return residue.personal >= 0; });
  return place;
}

const std::vector<Place::Reader>& Replay::State::readers_of(Place& place) {
  if (place.readers) return *place.readers;
  auto& found = place.readers.emplace();
  if (place.question->action != Action::call || readers.empty()) return found;
  const PartialQuestion partial(candidate, *place.question, place.thing, Open::circumstances_and_person);
  for (const cedar::CompiledPolicy* reader : readers) {
    if (!partial.can_be_asked() || !partial.matches_scope(*reader)) continue;
    const cedar::MembersRead read = reader->members_read(Variable::context, "args");
    found.push_back({residues->test_of(reader->tree().principal), read.all, {read.names.begin(), read.names.end()}});
  }
  return found;
}

Circumstances Replay::State::read_of(const Place& place, const Somebody& somebody, const Person& person) const {
  // A policy that reads attributes of this very user says more of it than of anybody.
  if (somebody.is_looked_into) return {true, true, true, true, true};
  Circumstances reads;
  for (const Residue& residue : place.residues->residues) {
    if (residue.who.matches(person)) reads |= residue.reads;
  }
  return reads;
}

// With arguments that were not all recorded. Absent: they make no difference to this person, or all that matter were recorded.
std::optional<Verdict> Replay::State::decide_in_doubt(const Question& question, Place& place, const Person& person, const std::optional<RecordedArguments>& recorded) {
  bool is_read = false, is_enough = true;
  for (const Place::Reader& reader : readers_of(place)) {
    if (!reader.who.matches(person)) continue;
    is_read = true;
    is_enough = is_enough && recorded && !reader.reads_all && std::ranges::all_of(reader.members, [&](const std::string& name) {
      return recorded->recorded.contains(name) && !recorded->unknown.contains(name);
    });
  }
  // Arguments that the language could not express stay so (rules §4.3).
  if (is_read && line[RecordedLine::reason] == to_string(Kind::arguments_not_decidable)) return Verdict{Verdict::Answer::deny, std::string(to_string(Kind::arguments_not_decidable)), {}};
  if (is_enough) return std::nullopt;
  AccessValues fresh;
  PartialQuestion partial(candidate, question, place.thing, Open::other_arguments);
  if (decide_partially(candidate, partial, fresh) == kNever) return Verdict{Verdict::Answer::deny, std::string(to_string(Kind::forbidden)), {}};
  return Verdict{Verdict::Answer::unknown, "arguments_not_recorded", {}};
}

// The person and the circumstances of the record complete the question.
Verdict Replay::State::decide(const Then& objects, Place& place, Somebody& somebody) {
  Question question = *place.question;
  question.issuer = line[RecordedLine::issuer];
  question.principal = principal_facts(*somebody.user, *objects.objects, question.issuer);
  question.authentication.acr = line[RecordedLine::acr];
  for_each_part(line[RecordedLine::amr], ',', [&](std::string_view method) { question.authentication.amr.emplace_back(method); });
  if (const auto age = line.number(RecordedLine::authentication_age_s, -1); age >= 0) question.authentication.age = Seconds(age);
  question.ip = line[RecordedLine::peer];
  question.now = registry::parse_instant(line[RecordedLine::time]).value_or(Instant{});
  const Person person = person_of(objects, place, somebody);
  if (question.issuer.empty() && read_of(place, somebody, person).issuer) return {Verdict::Answer::unknown, "issuer_not_recorded", {}};
  const auto json = readers_of(place).empty() ? Result<json::Value, json::Problem>(json::Value()) : json::parse(line.arguments_json());
  const auto recorded = json ? read_recorded_arguments(*json) : std::nullopt;
  if (question.action == Action::call) question.arguments = recorded ? &recorded->known : nullptr;
  if (auto verdict = decide_in_doubt(question, place, person, recorded)) return std::move(*verdict);
  Decision decision = candidate.enforce(question);
  const auto answer = decision.allowed ? Verdict::Answer::allow : decision.kind == Kind::approval_pending ? Verdict::Answer::hold : Verdict::Answer::deny;
  return {answer, std::string(to_string(decision.kind)), std::move(decision.policies)};
}

// Without reason and policies, unless it cannot be told: who wants to know them decides.
const Verdict& Replay::State::verdict_of(const Then& objects, Place& place, Somebody& somebody) {
  static const Verdict kAllowed{Verdict::Answer::allow, {}, {}}, kDenied{Verdict::Answer::deny, {}, {}};
  if (somebody.is_looked_into) return special = decide(objects, place, somebody);
  const Person person = person_of(objects, place, somebody);
  const ValueId value = residues->decide(*place.residues, person);
  if (value == kAlways) return kAllowed;
  if (value == kNever) return kDenied;
  // The value says what the answer depends on: where it is the same, records that differ in nothing that is looked at have one answer, whoever called.
  const auto append = [this](std::uint32_t number) { key.append(reinterpret_cast<const char*>(&number), sizeof number); };
  const auto add = [this](RecordedLine::Member member) { (key += line[member]) += '\n'; };
  key.clear();
  append(place.parties.subject);
  append(value);
  key += static_cast<char>(place.question->action);
  const Circumstances reads = read_of(place, somebody, person);
  if (reads.authentication) add(RecordedLine::acr), add(RecordedLine::amr), (key += std::to_string(line.number(RecordedLine::authentication_age_s, -1))) += '\n';
  if (reads.issuer) add(RecordedLine::issuer);
  if (reads.address) add(RecordedLine::peer);
  if (reads.time) add(RecordedLine::time);
  bool reads_arguments = false;
  const auto& of_place = readers_of(place);
  for (std::uint32_t i = 0; i < of_place.size(); ++i) {
    if (!of_place[i].who.matches(person)) continue;
    append(i);
    reads_arguments = true;
  }
  if (reads_arguments) {
    // Which members a reader wants is the place's.
    append(place.number);
    key += line[RecordedLine::reason] == to_string(Kind::arguments_not_decidable) ? '!' : '.';
    key += line.arguments_json();
  }
  if (const auto found = decided.find(key); found != decided.end()) return found->second;
  std::string kept = key;
  Verdict verdict = decide(objects, place, somebody);
  if (verdict.answer != Verdict::Answer::unknown) verdict.reason.clear(), verdict.policies.clear();
  return decided.emplace(std::move(kept), std::move(verdict)).first->second;
}

void Replay::State::replay(Then& objects, Action action, std::string_view subject, bool was_allowed, std::uint64_t position) {
  ++totals.decisions;
  static const Verdict kNotKnown{Verdict::Answer::unknown, "objects_not_known", {}};
  Somebody* somebody = objects.objects ? &somebody_of(objects) : nullptr;
  Place* place = somebody && somebody->user ? &place_of(objects, action, subject) : nullptr;
  const Verdict& verdict = place && place->question ? verdict_of(objects, *place, *somebody) : kNotKnown;
  Replayed outcome = Replayed::same;
  switch (verdict.answer) {
    case Verdict::Answer::unknown: outcome = Replayed::cannot_tell; break;
    case Verdict::Answer::allow: outcome = was_allowed ? Replayed::same : Replayed::newly_allowed; break;
    case Verdict::Answer::deny: outcome = was_allowed ? Replayed::newly_denied : Replayed::same; break;
    // Held then and approved: it would be held again.
    case Verdict::Answer::hold: outcome = was_allowed && line[RecordedLine::approval].empty() ? Replayed::newly_denied : Replayed::same; break;
  }
  if (outcome == Replayed::same) {
    ++totals.same;
    return;
  }
  note(action, subject, outcome, verdict, position, [&] { return decide(objects, *place, *somebody); });
}

template <class Decide>
void Replay::State::note(Action action, std::string_view subject, Replayed outcome, Verdict verdict, std::uint64_t position, Decide decide_example) {
  ++(outcome == Replayed::newly_denied ? totals.newly_denied : outcome == Replayed::newly_allowed ? totals.newly_allowed : totals.cannot_tell);
  key.clear();
  key += static_cast<char>('0' + static_cast<int>(outcome));
  key += static_cast<char>('0' + static_cast<int>(action));
  for (const std::string_view part : {line[RecordedLine::user], line[RecordedLine::agent], line[RecordedLine::server], subject}) (key += part) += '\n';
  if (outcome == Replayed::cannot_tell) key += verdict.reason;
  auto at = rows.find(key);
  if (at == rows.end()) {
    if (rows.size() >= kRowsMax) {
      ++totals.rows_left_out;
      return;
    }
    at = rows.emplace(key, ReplayRow{}).first;
    ReplayRow& row = at->second;
    if (verdict.reason.empty()) {
      Verdict example = decide_example();
      // The answer is certain, whatever the record does not have.
      if (example.answer == Verdict::Answer::unknown) example.reason = to_string(outcome == Replayed::newly_allowed ? Kind::allowed : Kind::forbidden);
      verdict.reason = std::move(example.reason);
      verdict.policies = std::move(example.policies);
    }
    row.outcome = outcome;
    row.user = line[RecordedLine::user];
    row.agent = line[RecordedLine::agent];
    row.server = line[RecordedLine::server];
    row.action = action;
    row.subject = subject;
    row.reason = std::move(verdict.reason);
    row.policies = std::move(verdict.policies);
  }
  ReplayRow& row = at->second;
  ++row.count;
  // Times are written in one form, so that their texts have their order.
  if (line[RecordedLine::time] <= row.last) return;
  row.last = line[RecordedLine::time];
  row.user_name = line[RecordedLine::user_name];
  row.code = line[RecordedLine::code].empty() ? audit::denial_code(position) : std::string(line[RecordedLine::code]);
}

std::string_view to_string(Replayed outcome) {
  switch (outcome) {
    case Replayed::same: return "same";
    case Replayed::newly_denied: return "newly_denied";
    case Replayed::newly_allowed: return "newly_allowed";
    case Replayed::cannot_tell: return "cannot_tell";
  }
  return "same";
}

Replay::Replay(const CedarPolicy& candidate) : state_(std::make_unique<State>(candidate)) {}
Replay::~Replay() = default;

std::optional<std::uint64_t> Replay::read(std::span<const audit::StoredRecord> records, std::size_t& next) {
  State& state = *state_;
  for (; next < records.size(); ++next) {
    if (state.places.size() + state.decided.size() > kRemembered) state.forget();
    const audit::StoredRecord& record = records[next];
    Then* objects = nullptr;
    std::optional<std::uint64_t> wanted;
    const bool is_decision = state.read_line(record, objects, wanted);
    if (wanted) return wanted;
    ++state.totals.records;
    const std::string_view time = state.line[RecordedLine::time];
    if (!time.empty() && (state.totals.oldest.empty() || time < state.totals.oldest)) state.totals.oldest = time;
    if (time > state.totals.newest) state.totals.newest = time;
    if (!is_decision) continue;
    const auto action = parse_action(state.line[RecordedLine::action]);
    if (!action) {
      ++state.totals.unreadable;
    } else if (state.line[RecordedLine::event] != "call") {
      state.replay_token_leg(*objects, *action, record.position);
    } else {
      const bool was_allowed = state.line[RecordedLine::effect] == "allow" || state.line[RecordedLine::reason] == "insufficient_scope";
      state.replay(*objects, *action, *action == Action::connect ? std::string_view() : state.line[RecordedLine::tool], was_allowed, record.position);
    }
  }
  return std::nullopt;
}

void Replay::give(std::uint64_t sequence, std::shared_ptr<const registry::Snapshot> objects, std::shared_ptr<const ToolCatalogue> tools) {
  State& state = *state_;
  state.then.emplace_front(sequence, Then{std::move(objects), std::move(tools), {}, {}, {}});
  if (state.then.size() > kSnapshotsKept) state.then.pop_back();
}

ReplayReport Replay::report() const {
  ReplayReport report = state_->totals;
  for (const auto& [key, row] : state_->rows) report.rows.push_back(row);
  std::sort(report.rows.begin(), report.rows.end(), [](const ReplayRow& a, const ReplayRow& b) {
    return std::tie(a.outcome, b.count, a.server, a.subject, a.user, a.agent, a.reason) < std::tie(b.outcome, a.count, b.server, b.subject, b.user, b.agent, b.reason);
  });
  return report;
}

}  // namespace writ::policy::preview
