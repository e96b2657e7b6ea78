#include "admin/definition_review.h"

#include <algorithm>

namespace writ::admin {

using namespace registry;

namespace {

Declared declare(const Definition& definition) {
  Declared declared;
  declared.kind = definition.kind;
  declared.key = definition.key();
  declared.document = write(definition);
  // Said in so many words, for what a document does not mention stays as it is.
  if (!definition.pending) declared.document.set("pending", nullptr);
  if (definition.rejected.empty()) declared.document.set("rejected", nullptr);
  declared.node.kind = Node::Kind::mapping;
  declared.node.at.file = "/" + std::string(collection(definition.kind)) + "/" + declared.key;
  return declared;
}

std::size_t never_approved(const Catalogue& present, const std::string& server) {
  const auto* shelf = present.definitions.of(server);
  return shelf ? static_cast<std::size_t>(std::count_if(shelf->begin(), shelf->end(), [](const auto& entry) { return !entry.second->approved; })) : 0;
}

}  // namespace

Declarations judge(const Catalogue& present, const std::vector<Reviewed>& reviewed, Judgement judgement) {
  std::vector<Declared> declared;
  Problems problems;
  for (const Reviewed& one : reviewed) {
    const Position at{"/" + std::string(collection(one.kind)) + "/" + one.id};
    const auto known = present.definitions.find(one.kind, one.id);
    if (!known || !known->pending) {
      problems.push_back({at, "nothing waits for review here (any more)"});
    } else if (known->pending->digest != one.digest) {
      problems.push_back({at, "the server says something else by now than what was looked at: look again"});
    } else {
      Definition next = *known;
      if (judgement == Judgement::approve) {
        next.approved = known->pending->definition;
        next.pending.reset();
        next.rejected.clear();
      } else {
        next.rejected = known->pending->digest;
      }
      declared.push_back(declare(next));
    }
  }
  if (!problems.empty()) return unexpected(std::move(problems));
  return declared;
}

Kept keep(const Catalogue& present, const std::string& server, const std::vector<SeenNow>& seen, const KeepRules& rules, Instant now) {
  Kept kept;
  const auto* shelf = present.definitions.of(server);
  std::size_t unapproved = never_approved(present, server), total = shelf ? shelf->size() : 0;
  for (const SeenNow& one : seen) {
    const auto known = present.definitions.find(one.kind, server, one.name);
    const Definition::Pending now_seen{std::make_shared<const json::Value>(one.definition), one.digest, now, false};
    Definition next;
    if (!known) {
      // A server that invents names fills its own room, nobody else's, and not the store.
      if (total >= rules.total_max || (!rules.approves_first && unapproved >= rules.new_max)) {
        ++kept.left_out;
        continue;
      }
      next.kind = one.kind, next.server = server, next.name = one.name;
      if (rules.approves_first) next.approved = now_seen.definition;
      else next.pending = now_seen, ++unapproved;
      ++total;
    } else {
      const bool is_quiet = !known->pending || now - known->pending->first_seen >= rules.quiet;
      next = *known;
      if (known->approved && one.digest == known->approved_digest) {
        if (!known->pending || !is_quiet) continue;
        next.pending.reset();
      } else {
        if (known->pending && (known->pending->digest == one.digest || !is_quiet)) continue;
        next.pending = now_seen;
      }
    }
    kept.declared.push_back(declare(next));
  }
  return kept;
}

void describe_review(const ObjectChange& change, const Catalogue& present, audit::Record& record) {
  if (!is_definition(change.kind)) return;
  const auto before = present.definitions.find(change.kind, change.key);
  const auto after = change.document ? read_stored_definition(change.kind, *change.document) : Result<Definition, Problems>(unexpected(Problems{}));
  const std::string digest_before = before ? before->approved_digest : "", digest_after = after ? after->approved_digest : "";
  const char* done = "changed";
  if (!after) done = "removed";
  else if (digest_before != digest_after) done = "approved";
  else if (after->rejected != (before ? before->rejected : "") && !after->rejected.empty()) done = "rejected";
  else if (after->pending) done = "held";
  else if (before && before->pending) done = "again_as_approved";
  record.more.emplace_back("review", done);
  if (!digest_before.empty()) record.more.emplace_back("definition_before", digest_before);
  if (!digest_after.empty()) record.more.emplace_back("definition_after", digest_after);
  if (after && after->pending) record.more.emplace_back("definition_seen", after->pending->digest);
}

}  // namespace writ::admin
