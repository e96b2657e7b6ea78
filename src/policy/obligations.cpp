#include "policy/obligations.h"

#include <algorithm>

#include "encoding/hidden_text.h"
#include "encoding/utf8.h"

namespace writ::policy {

std::optional<std::string> misuse_of_obligations(const cedar::ast::Policy& policy) {
  const auto group = policy.annotation(kRequireApproval);
  if (!group) return std::nullopt;
  // On a permit it would read as "allowed with approval" and be simply allowed.
  if (policy.effect != cedar::ast::Effect::forbid) {
    return "`@require_approval` stands on a `forbid`, which an approval lifts; on a `permit` it would hold nothing: write a `forbid` for the calls that need approval, beside this permit";
  }
  if (group->empty()) return "`@require_approval` needs the group whose members approve: `@require_approval(\"ops\")`";
  return std::nullopt;
}

bool holds_only_calls(const cedar::CompiledPolicy& policy) {
  const auto& actions = policy.tree().action.entities;
  return !actions.empty() && std::all_of(actions.begin(), actions.end(), [](const auto& listed) {
    const std::string_view id = listed.entity->id();
    return id == "call" || id.find('/') != std::string_view::npos;   // the group, or a tool's own action
  });
}

std::string plain_text(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kCut = "…";
  std::string plain = text::without_hidden(text);
  if (plain.size() <= bytes_max) return plain;
  std::size_t end = 0;
  while (true) {
    const std::size_t length = utf8::length_of_first(std::string_view(plain).substr(end));
    if (end + length > bytes_max - kCut.size()) break;
    end += length;
  }
  plain.resize(end);
  return plain += kCut;
}

void add_told(const cedar::CompiledPolicy& policy, Decision& decision) {
  if (const auto message = policy.annotation(kMessage)) {
    const std::string text = plain_text(*message, kMessageBytesMax);
    // Looked for as a whole text: two policies with one message are common, a message within another is not.
    if (!text.empty() && decision.message.find(text) == std::string::npos && decision.message.size() + text.size() < kMessageBytesMax) {
      if (!decision.message.empty()) decision.message += ' ';
      decision.message += text;
    } else if (decision.message.empty()) {
      decision.message = text;
    }
  }
  if (const auto alternative = policy.annotation(kAlternative)) {
    std::string text = plain_text(*alternative, kAlternativeBytesMax);
    auto& all = decision.alternatives;
    if (!text.empty() && all.size() < kAlternativesMax && std::find(all.begin(), all.end(), text) == all.end()) all.push_back(std::move(text));
  }
}

}  // namespace writ::policy
