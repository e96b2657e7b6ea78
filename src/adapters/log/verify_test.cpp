// S5: what was changed, removed, reordered, inserted or cut is found and named; on the folder and on an exported file.
#include <gtest/gtest.h>

#include "adapters/log/bytes.h"
#include "adapters/log/log_fixture.h"
#include "adapters/log/segments.h"
#include "adapters/log/verify.h"

namespace writ::log::test {
namespace {

constexpr int kRecords = 40;

jose::KeySet audit_keys() { return jose::KeySet({audit_key().public_jwk()}); }

// Forty records in several segments, each in a group of its own, every fourth with a claim; closed with a checkpoint.
std::shared_ptr<SimulatedDisk> written_log() {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  auto log = AppendOnlyLog::open(small_log(disk), clock);
  EXPECT_TRUE(log);
  for (int i = 1; i <= kRecords; ++i) {
    const std::string name = "<" + std::to_string(i) + ">";
    EXPECT_TRUE(run((*log)->commit(i % 4 == 0 ? claiming(name, name) : record(name))));
  }
  log->reset();
  auto keys = disk->open("/audit/keys.json", Files::Mode::create);
  EXPECT_TRUE((*keys)->write_at(0, json::write(jose::to_json(audit_keys()))));
  return disk;
}

std::string findings_of(const Result<Verification, std::string>& verified) {
  if (!verified) return "error: " + verified.error();
  std::string all;
  for (const Finding& finding : verified->findings) all += std::to_string(finding.position) + ": " + finding.sentence + "\n";
  return all;
}

// The segment that holds `text`.
std::string& segment_with(SimulatedDisk& disk, const std::string& text) {
  for (auto& [path, node] : disk.tree()) {
    if (path.ends_with(".audit") && node->bytes.find(text) != std::string::npos) return node->bytes;
  }
  ADD_FAILURE() << "no segment holds " << text;
  static std::string none;
  return none;
}

std::vector<std::string> exported(SimulatedDisk& disk, std::uint64_t after = 0) {
  std::vector<std::string> lines;
  const auto done = export_chain(disk, "/audit", after, [&](std::string_view line) { lines.emplace_back(line); });
  EXPECT_TRUE(done) << (done ? "" : done.error());
  return lines;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}
std::size_t line_with(const std::vector<std::string>& lines, const std::string& text) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find(text) != std::string::npos) return i;
  }
  ADD_FAILURE() << "no line with " << text;
  return 0;
}

TEST(Verify, FindsNothingWrongWithWhatWasWritten) {
  auto disk = written_log();
  const auto verified = verify_directory(*disk, "/audit", std::nullopt);
  EXPECT_EQ(findings_of(verified), "");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->records, static_cast<std::uint64_t>(kRecords));
  EXPECT_EQ(verified->first_position, 1U);
  EXPECT_EQ(verified->last_position, static_cast<std::uint64_t>(kRecords));
  EXPECT_EQ(verified->signed_to, static_cast<std::uint64_t>(kRecords));
  EXPECT_GE(verified->checkpoints, 3U);
  EXPECT_TRUE(verified->notes.empty());
  EXPECT_EQ(findings_of(verify_export(joined(exported(*disk)), std::nullopt)), "");
  EXPECT_EQ(findings_of(verify_export(joined(exported(*disk, 17)), audit_keys())), "");
}

// Every byte of every segment counts.
TEST(Verify, FindsEveryChangedByte) {
  auto disk = written_log();
  for (auto& [path, node] : disk->tree()) {
    if (!path.ends_with(".audit")) continue;
    const std::size_t end = node->bytes.find_last_not_of('\0') + 1;
    for (std::size_t at = 0; at < end; at += 7) {
      node->bytes[at] ^= 0x20;
      const auto verified = verify_directory(*disk, "/audit", std::nullopt);
      EXPECT_TRUE(!verified || !verified->good() || !verified->notes.empty()) << path << ", byte " << at;
      node->bytes[at] ^= 0x20;
    }
  }
}

struct Tampering {
  const char* name;
  std::function<void(SimulatedDisk&)> tamper;
  std::string finding;
};
class VerifyFolder : public testing::TestWithParam<Tampering> {};
TEST_P(VerifyFolder, NamesWhatWasDone) {
  auto disk = written_log();
  GetParam().tamper(*disk);
  EXPECT_NE(findings_of(verify_directory(*disk, "/audit", std::nullopt)).find(GetParam().finding), std::string::npos)
      << findings_of(verify_directory(*disk, "/audit", std::nullopt));
}

void replace(std::string& bytes, const std::string& from, const std::string& to) { bytes.replace(bytes.find(from), from.size(), to); }

INSTANTIATE_TEST_SUITE_P(
    S5, VerifyFolder,
    testing::Values(
        Tampering{"changed_record", [](SimulatedDisk& disk) { replace(segment_with(disk, "<17>"), "<17>", "<77>"); }, "17: record 17 was changed"},
        Tampering{"removed_group",
                  [](SimulatedDisk& disk) {
                    auto& bytes = segment_with(disk, "<17>");
                    const auto begin = bytes.rfind("WGRP", bytes.find("<17>"));
                    bytes.erase(begin, get<std::uint32_t>(bytes, begin + 4));
                  },
                  "17: record 17 is missing or moved"},
        Tampering{"removed_segment", [](SimulatedDisk& disk) { disk.tree().erase("/audit/0000000002.audit"); }, "the audit segment `/audit/0000000002.audit` is missing"},
        Tampering{"removed_first_segment", [](SimulatedDisk& disk) { disk.tree().erase("/audit/0000000001.audit"); }, "are missing, and no signed hand-over says"},
        Tampering{"cut_tail",
                  [](SimulatedDisk& disk) {
                    auto& bytes = segment_with(disk, "<40>");
                    bytes.resize(bytes.rfind("WGRP", bytes.find("<40>")));
                  },
                  "40: record"},
        Tampering{"removed_newest_segment",
                  [](SimulatedDisk& disk) {
                    auto last = std::prev(std::find_if(disk.tree().begin(), disk.tree().end(), [](const auto& entry) { return entry.first == "/audit/checkpoint.jws"; }));
                    while (!last->first.ends_with(".audit")) last = std::prev(last);
                    disk.tree().erase(last);
                  },
                  "are missing at the end: a signed checkpoint says that the log held them"},
        Tampering{"changed_spent_journal",
                  [](SimulatedDisk& disk) {
                    for (auto& [path, node] : disk.tree()) {
                      if (path.ends_with(".journal") && node->bytes.size() > 64 + 32) node->bytes[64 + 3] ^= 1;
                    }
                  },
                  "does not hold the claims of the group"},
        // Whoever can write the files can make the whole chain anew, but not sign it.
        Tampering{"chain_made_anew",
                  [](SimulatedDisk& disk) {
                    auto& bytes = segment_with(disk, "<3>");
                    replace(bytes, "<3>", "<9>");
                    SegmentHeader header;
                    ASSERT_FALSE(decode(bytes, header));
                    Link link = header.previous;
                    std::string anew = bytes.substr(0, kSegmentHeaderBytes);
                    for (std::size_t at = kSegmentHeaderBytes; at < bytes.size();) {
                      const auto group = parse_group(std::string_view(bytes).substr(at));
                      if (!group) break;
                      GroupWriter writer(group->header, group->claims, link);
                      for (const auto& entry : group->entries) writer.add(entry.text);
                      anew += std::move(writer).finish(link);
                      at += group->header.size;
                    }
                    bytes = anew;
                  },
                  "was signed for other records"}),
    [](const auto& row) { return row.param.name; });

struct ExportTampering {
  const char* name;
  std::function<void(std::vector<std::string>&)> tamper;
  std::string finding;
};
class VerifyExport : public testing::TestWithParam<ExportTampering> {};
TEST_P(VerifyExport, NamesWhatWasDone) {
  auto lines = exported(*written_log());
  GetParam().tamper(lines);
  const auto verified = verify_export(joined(lines), audit_keys());
  EXPECT_NE(findings_of(verified).find(GetParam().finding), std::string::npos) << findings_of(verified);
}
INSTANTIATE_TEST_SUITE_P(
    S5, VerifyExport,
    testing::Values(
        ExportTampering{"changed", [](auto& lines) { replace(lines[line_with(lines, "<17>")], "<17>", "<77>"); }, "17: record 17 was changed"},
        ExportTampering{"removed", [](auto& lines) { lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(line_with(lines, "<17>"))); }, "17: record 17 is missing"},
        ExportTampering{"reordered", [](auto& lines) { std::swap(lines[line_with(lines, "<17>")], lines[line_with(lines, "<18>")]); }, "17: record 17 stands behind record 18"},
        ExportTampering{"doubled",
                        [](auto& lines) {
                          const auto at = line_with(lines, "<17>");
                          lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
                        },
                        "17: record 17 stands behind record 17"},
        ExportTampering{"inserted",
                        [](auto& lines) {
                          const auto at = line_with(lines, "<17>");
                          std::string forged = lines[at];
                          replace(forged, "<17>", "<66>");
                          lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), forged);
                        },
                        "17: record 17 was changed"},
        ExportTampering{"removed_checkpoint",
                        [](auto& lines) { lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(line_with(lines, "{\"checkpoint\""))); }, "was changed: its link does not follow"},
        ExportTampering{"no_line", [](auto& lines) { lines[5] = "{}"; }, "is no line of an export"}),
    [](const auto& row) { return row.param.name; });

TEST(Verify, BelievesOnlyTheGivenKeys) {
  auto disk = written_log();
  const auto other = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  const jose::KeySet keys({jose::Jwk{"audit-1", crypto::Algorithm::es256, other.public_key()}});
  EXPECT_NE(findings_of(verify_directory(*disk, "/audit", keys)).find("its signature is wrong"), std::string::npos);
  EXPECT_NE(findings_of(verify_export(joined(exported(*disk)), keys)).find("its signature is wrong"), std::string::npos);
}

// Retention: whole segments, a signed hand-over, a record of it, and spent claims stay spent.
TEST(Retention, RemovesWholeOldSegmentsAndSignsWhereTheChainBegins) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  Options options = small_log(disk);
  options.keep = Seconds{3600};
  auto log = AppendOnlyLog::open(options, clock);
  ASSERT_TRUE(log);
  for (int i = 1; i <= 40; ++i) ASSERT_TRUE(run((*log)->commit(claiming("<" + std::to_string(i) + ">", "<" + std::to_string(i) + ">"))));
  EXPECT_TRUE(disk->tree().contains("/audit/0000000001.audit"));
  clock.milliseconds += 2 * 3'600'000;
  for (int i = 41; i <= 60; ++i) ASSERT_TRUE(run((*log)->commit(claiming("<" + std::to_string(i) + ">", "<" + std::to_string(i) + ">"))));
  EXPECT_FALSE(disk->tree().contains("/audit/0000000001.audit"));
  EXPECT_FALSE(disk->tree().contains("/audit/0000000001.index"));
  const std::string lines = all_lines(**log);
  EXPECT_EQ(count_of(lines, "\"reason\":\"audit_segments_removed\""), 1U);
  EXPECT_EQ(count_of(lines, "\"<1>\""), 0U);
  EXPECT_EQ(count_of(lines, "\"<60>\""), 1U);
  const auto gone = run((*log)->at(1));
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
  clock.milliseconds -= 2 * 3'600'000;
  const auto again = run((*log)->commit(claiming("<1>", "<again>")));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  log->reset();
  const auto verified = verify_directory(*disk, "/audit", audit_keys());
  EXPECT_EQ(findings_of(verified), "");
  ASSERT_TRUE(verified);
  EXPECT_GT(verified->first_position, 1U);
  // Someone who removes one more than was signed for is found.
  std::string first;
  for (const auto& [path, node] : disk->tree()) {
    if (path.ends_with(".audit") && first.empty()) first = path;
  }
  disk->tree().erase(first);
  EXPECT_NE(findings_of(verify_directory(*disk, "/audit", audit_keys())).find("but the signed hand-over says"), std::string::npos);
}

// R7: bytes flipped at random. The start refuses and says why, or nothing is missing.
TEST(StartAfterDamage, RefusesOrKnowsEverything) {
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 1'000; ++round) {
    static const auto good = written_log();
    auto disk = good->after(Loss::nothing, 0);
    std::vector<std::string> paths;
    for (const auto& [path, node] : disk->tree()) {
      if ((path.ends_with(".audit") || path.find("/spent/") != std::string::npos || path.ends_with(".jws") || path.ends_with(".index")) && !node->bytes.empty()) paths.push_back(path);
    }
    const std::string& path = paths[random() % paths.size()];
    std::string& bytes = disk->tree()[path]->bytes;
    const std::size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
    FixedClock clock;
    auto log = AppendOnlyLog::open(small_log(disk), clock);
    if (!log) {
      ++refused;
      EXPECT_NE(log.error().find("/audit"), std::string::npos) << log.error();
      continue;
    }
    for (int i = 4; i <= kRecords; i += 4) {
      const auto again = run((*log)->commit(claiming("<" + std::to_string(i) + ">", "<again>")));
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->replayed) << path << ", byte " << at << ": claim " << i << " is free again";
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(VerifyingTheEnd, LooksAtTheNewestSegmentsOnly) {
  const auto disk = written_log();
  const auto all = verify_directory(*disk, "/audit", std::nullopt), end = verify_directory(*disk, "/audit", std::nullopt, 2);
  ASSERT_TRUE(all && end);
  EXPECT_TRUE(end->good()) << findings_of(end);
  EXPECT_GT(end->first_position, all->first_position);
  EXPECT_EQ(end->last_position, all->last_position);
  EXPECT_EQ(end->signed_to, all->signed_to);
  EXPECT_EQ(verify_directory(*disk, "/audit", std::nullopt, 1'000)->first_position, all->first_position);
  auto& oldest = segment_with(*disk, "<1>");
  oldest[oldest.find("<1>")] = '(';
  EXPECT_TRUE(verify_directory(*disk, "/audit", std::nullopt, 2)->good()) << "it is not looked at";
  EXPECT_FALSE(verify_directory(*disk, "/audit", std::nullopt)->good());
  auto& newest = segment_with(*disk, "<40>");
  newest[newest.find("<40>")] = '(';
  EXPECT_FALSE(verify_directory(*disk, "/audit", std::nullopt, 2)->good());
}

TEST(Recovery, RefusesALogThatWasCutBehindASignedCheckpoint) {
  auto disk = written_log();
  auto& bytes = segment_with(*disk, "<40>");
  bytes.resize(bytes.rfind("WGRP", bytes.find("<40>")));
  FixedClock clock;
  const auto log = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("a signed checkpoint says that it held 40"), std::string::npos) << log.error();
}

TEST(Recovery, RefusesWhenTheSpentJournalIsGone) {
  auto disk = written_log();
  std::erase_if(disk->tree(), [](const auto& entry) { return entry.first.find("/spent/") != std::string::npos; });
  FixedClock clock;
  const auto log = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("the spent journal is missing"), std::string::npos) << log.error();
}

TEST(Recovery, RefusesANewerFormat) {
  auto disk = written_log();
  segment_with(*disk, "<40>")[8] = 2;
  FixedClock clock;
  const auto log = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("newer version"), std::string::npos) << log.error();
}

// A log that takes over from another store: positions go on, what was spent there stays spent.
TEST(Import, HonoursWhatWasSpentBefore) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  Options options = small_log(disk);
  options.journal_bytes = 64 << 10;
  options.first_position = 1'001;
  for (int i = 0; i < 100; ++i) {
    const auto claim = *claiming(std::to_string(i), "").claim;
    options.spent_before.push_back({claim.key, forget_after_seconds(claim.forget_after)});
  }
  for (int start = 0; start < 3; ++start) {   // given again at the next start, it is not taken again
    auto log = AppendOnlyLog::open(options, clock);
    ASSERT_TRUE(log) << log.error();
    for (int i = 0; i < 100; ++i) {
      const auto again = run((*log)->commit(claiming(std::to_string(i), "<again>")));
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->replayed);
      EXPECT_GT(again->position, 1'001U);
    }
    EXPECT_EQ(count_of(all_lines(**log), "\"reason\":\"spent_claims_imported\",\"claims\":\"100\""), 1U);
  }
}

TEST(Queries, ReachBackThroughEverySegmentInBothDirections) {
  auto disk = written_log();
  FixedClock clock;
  std::erase_if(disk->tree(), [](const auto& entry) { return entry.first.ends_with(".index"); });   // made again when needed
  auto log = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_TRUE(log);
  for (std::uint64_t position = 1; position <= kRecords; ++position) {
    const auto row = run((*log)->at(position));
    ASSERT_TRUE(row && *row);
    EXPECT_EQ(position_of((*row)->json_line), position);
  }
  audit::Query query;
  query.limit = 7;
  std::vector<std::uint64_t> seen;
  while (true) {
    const auto rows = run((*log)->query(query));
    ASSERT_TRUE(rows);
    if (rows->empty()) break;
    for (const auto& row : *rows) seen.push_back(row.position);
    query.before_position = seen.back();
  }
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(kRecords));
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
  audit::Query forward;
  forward.after_position = 3;
  forward.text = "\"reason\":\"<3";
  const auto rows = run((*log)->query(forward));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 10U);   // 30 to 39
  EXPECT_EQ(rows->front().position, 30U);
}

}  // namespace
}  // namespace writ::log::test
