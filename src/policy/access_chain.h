#pragma once

// The whole way from a person to a use, as the roles would ask it: the connection, the scope that is needed, the use. Each leg explained, and for the
// whole the smallest change that would open it. What is refused before policy is told first.

#include <optional>
#include <string>
#include <vector>

#include "policy/explanation.h"
#include "policy/inquiry.h"
#include "policy/smallest_change.h"

namespace writ::policy {

struct Leg {
  Inquiry inquiry;
  bool allowed = false;
  std::optional<NoQuestion> refused;          // before policy
  std::optional<Explanation> explanation;
  std::string sentence;
};

struct AccessChain {
  std::vector<Leg> legs;                      // in their order; of the scopes of a tool the one that is granted, else the first
  bool allowed = false;
  std::optional<SmallestChange> change;       // of a no
  std::string no_change;                      // why there is none, in a sentence
  std::vector<std::string> notes;             // what the reader should know about the answer
};

// `wanted`: the last leg; of a call with `scope` set, that scope in place of those that name the tool.
AccessChain explain_access(const Inquiry& wanted, const World& world, const Bundle& bundle, const BundleFiles& files);

// Refusals on the way that are no policy's: who is disabled, or not registered where the way leads.
std::optional<NoQuestion> find_refusal(const Inquiry& inquiry, const World& world);

}  // namespace writ::policy
