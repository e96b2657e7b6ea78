#include "admin/candidate.h"

namespace writ::admin {
namespace {

constexpr const char* kTable = "policy_candidate";
constexpr const char* kKey = "candidate";
constexpr Seconds kKept{10LL * 365 * 24 * 3600};

}  // namespace

registry::Document document_of(const Candidate* candidate, std::int64_t document_version, Instant now) {
  if (!candidate) return {kTable, kKey, document_version, now + kKept, "{}"};
  json::Value files = json::Object{};
  for (const auto& [name, text] : candidate->files) files.set(name, text);
  const json::Value value{{"files", std::move(files)}, {"author", candidate->author}, {"reason", candidate->reason}, {"started", static_cast<std::int64_t>(candidate->started.time_since_epoch().count())}};
  return {kTable, kKey, document_version, now + kKept, json::write(value)};
}

Result<StoredCandidate, Unavailable> load_candidate(registry::Documents& documents, const policy::ParseYaml& parse) {
  StoredCandidate stored;
  for (const registry::Document& document : TRY(documents.load(kTable))) {
    stored.document_version = document.version;
    const auto value = json::parse(document.json, {64 << 20, 8, 1'000'000});
    if (!value) return unexpected(Unavailable{"the stored candidate of the policy cannot be read"});
    const json::Object* files = value->find_object("files");
    if (!files) continue;
    Candidate candidate;
    for (const auto& file : *files) {
      if (const auto* text = file.value.as_string()) candidate.files.emplace(file.name, *text);
    }
    auto bundle = policy::read_bundle(candidate.files, parse);
    if (!bundle) {
      // It decides nothing, so it stops nothing either.
      stored.problem = registry::to_string(bundle.error());
      continue;
    }
    candidate.bundle = std::move(*bundle);
    if (const auto* author = value->find_string("author")) candidate.author = *author;
    if (const auto* reason = value->find_string("reason")) candidate.reason = *reason;
    if (const auto* started = value->find_int("started")) candidate.started = Instant(Milliseconds(*started));
    stored.candidate = std::move(candidate);
  }
  return stored;
}

}  // namespace writ::admin
