#pragma once

// The one place where yes and no are said: on principal, action, resource and circumstances, with reasons. Knows neither OAuth nor MCP.
// The grants table is its first implementation; Cedar takes its place behind the same interface.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "encoding/json.h"

namespace writ::policy {

struct ArgumentType;    // argument_type.h
struct ArgumentsRead;   // arguments_read.h

enum class Action { connect, grant_scope, call, read_resource, subscribe, get_prompt, complete };
std::string_view to_string(Action action);

struct Principal {
  std::string id;                           // usr_…
  std::vector<std::string> groups;          // direct and inherited
  std::string issuer, email, department, title;
  std::map<std::string, std::set<std::string>> tags;
};
struct AgentFacts {
  std::string id;
  std::vector<std::string> groups;
  std::string vendor, authentication;
};
struct ServerFacts {
  std::string id;
  std::vector<std::string> groups;
  std::string environment;
};
struct ScopeFacts {
  std::string name;
  bool high_impact = false;
};
struct ToolFacts {                          // from the reviewed definition; absent annotations take MCP's defaults (rules §1.8)
  std::string name;
  std::vector<std::string> scopes;          // scopes of the server that name it
  std::vector<std::string> groups;
  bool read_only = false, destructive = true, idempotent = false, open_world = true;
  // What its arguments look like (argument_type.h); null: not known, then no policy can read them.
  std::shared_ptr<const ArgumentType> argument_type;
  std::string definition_digest;            // of the definition that the facts come from; empty: it is not known
};
// Unknown facts are "", {}, 36500 days; never absent (rules §4.4).
struct Authentication {
  std::string acr;
  std::vector<std::string> amr;
  std::chrono::seconds age{std::chrono::days{36500}};
};

struct Question {
  Action action = Action::connect;
  Principal principal;
  AgentFacts agent;
  ServerFacts server;                       // the resource, or its parent
  std::optional<ScopeFacts> scope;          // grant_scope
  std::optional<ToolFacts> tool;            // call
  std::string uri_or_prompt;                // read_resource, subscribe, get_prompt, complete
  const json::Value* arguments = nullptr;   // call: the parsed arguments. Null with action call: unknown (listing)
  Authentication authentication;
  std::string ip;                           // empty: not known
  std::string issuer;                       // who vouched for the person
  Instant now{};
};

// Why the answer is what it is.
enum class Kind {
  allowed,            // a policy permits, none forbids
  no_permit,          // implicit: nothing allows it
  forbidden,          // explicit: a policy forbids it
  policy_error,       // a forbid could not be evaluated, or the question could not be asked (rules §4.1)
  arguments_not_decidable,   // a matching policy reads arguments that the language cannot express (rules §4.3)
  approval_pending,   // only forbids that an approval lifts stand in the way (rules §4.6); a call alone can be held
};
std::string_view to_string(Kind kind);

// A forbid that an approval of its group lifts: exactly that forbid, for one call (rules §4.6).
struct ApprovalNeeded {
  std::string policy, group;
  friend auto operator<=>(const ApprovalNeeded&, const ApprovalNeeded&) = default;
};

// Where what is tried out says something else than what decides (rules of shadow mode: recorded and counted, never enforced).
struct ShadowOutcome {
  enum class Of { policies, candidate } of = Of::policies;   // @shadow policies of the active bundle; a whole candidate version
  Kind kind = Kind::no_permit;              // what it would have said
  std::vector<std::string> policies;        // by which policies
  std::string version;                      // of the candidate
  std::string scope;                        // when it is about a scope that was asked for, not about the connection
};

struct Decision {
  bool allowed = false;                     // deny by default
  Kind kind = Kind::no_permit;
  std::vector<std::string> policies;        // ids of the determining policies (grants: "grants.yaml:12")
  std::string message;                      // @message of a determining policy, for people and agents
  std::vector<std::string> alternatives;    // @alternative
  std::string version;                      // content hash of the bundle that decided
  std::vector<ApprovalNeeded> approvals;    // kind approval_pending: all of them are needed; sorted, each once
  std::vector<ShadowOutcome> shadows;       // disagreements only
};

// Immutable; shared by all threads.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual Decision decide(const Question& question) const = 0;
  // False only when no arguments, authentication or time could make the answer anything but deny (rules §4.5): what lists show.
  virtual bool could_allow(const Question& question) const = 0;
  // Of a call: the arguments that some policy reads, whoever makes the call, for its record (rules §4.9). Null: none.
  virtual std::shared_ptr<const ArgumentsRead> arguments_read(const Question&) const { return nullptr; }
  virtual const std::string& version() const = 0;
};

// The active policy, shared by all threads. Readers never wait. Starts with one that denies everything.
class Current {
 public:
  Current();
  std::shared_ptr<const Policy> get() const;
  void set(std::shared_ptr<const Policy> policy);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace writ::policy
