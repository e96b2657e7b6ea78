#pragma once

// A question by names: what a person types (`writ can`), a policy test states, an audit record keeps and another gateway asks. question_of() makes it
// whole from the objects of one moment, exactly as the roles do on their own legs.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/decision.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::policy {

// What questions are about at one moment. References outlive the questions.
struct World {
  const registry::Snapshot& objects;
  const ToolCatalogue& tools;
  std::string issuer;               // of this deployment's IdP: who vouches for a person when nothing else is said
};

struct Inquiry {
  Action action = Action::connect;
  std::string user;                 // id or name
  std::string agent, server;        // ids
  std::string scope;                // grant_scope
  std::string tool;                 // call
  std::string uri_or_prompt;        // read_resource, subscribe, get_prompt, complete
  std::optional<json::Value> arguments;   // call; absent: not known
  Authentication authentication;
  std::string ip, issuer;           // empty: not known; the deployment's own
  std::string agent_authentication; // empty: as the agent is registered for this leg
  Instant now{};

  // What policy tests state beside this. A person who need not exist: then `user` is not looked at.
  std::optional<Principal> person;
  std::shared_ptr<const ToolFacts> definition;   // of the tool, as long as none is known
  bool also_disabled = false;       // what policy says of disabled objects too: they are refused before it is asked
};

// There is nothing to ask policy: the answer is no before it (rules §1.8), for a reason of its own.
struct NoQuestion {
  std::string reason;               // unknown_user, user_disabled, unknown_agent, agent_disabled, unknown_server, server_disabled, unknown_scope, no_tool, …
  std::string sentence;             // for people, with "did you mean"
};

// The question's `arguments` point into the inquiry.
Result<Question, NoQuestion> question_of(const Inquiry& inquiry, const World& world);

// The facts of one object as every leg asks with them. `issuer`: who vouched for the person.
Principal principal_facts(const registry::User& user, const registry::Snapshot& objects, std::string issuer);
AgentFacts agent_facts(const registry::Agent& agent, registry::ClientAuthentication authentication);
ServerFacts server_facts(const registry::Server& server);

// The scopes of the server whose globs name the tool, in the server's order (rules §3.4).
std::vector<const registry::Scope*> scopes_of(const registry::Server& server, std::string_view tool);

std::optional<Action> parse_action(std::string_view text);

}  // namespace writ::policy
