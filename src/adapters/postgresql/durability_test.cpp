#include "adapters/postgresql/durability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace writ::postgresql {
namespace {

DurabilityFacts alone() { return {false, "on", "", "on", "on", 0, 0, 0}; }
DurabilityFacts with_standby() { return {false, "remote_apply", "*", "on", "on", 1, 0, 0}; }

struct Case {
  const char* name;
  std::function<DurabilityFacts()> facts;
  const char* refused;   // a piece of the sentence; empty: it is not
  const char* warned;
};

DurabilityFacts changed(DurabilityFacts facts, const std::function<void(DurabilityFacts&)>& change) {
  change(facts);
  return facts;
}

class Durability : public testing::TestWithParam<Case> {};

TEST_P(Durability, OfADatabaseIsJudged) {
  const auto facts = GetParam().facts();
  const auto says = [](const std::string& sentence, const std::string& piece) { return piece.empty() ? sentence.empty() : sentence.find(piece) != std::string::npos; };
  EXPECT_TRUE(says(refusal_of(facts), GetParam().refused)) << refusal_of(facts);
  EXPECT_TRUE(says(warning_of(facts), GetParam().warned)) << warning_of(facts);
}

INSTANTIATE_TEST_SUITE_P(Postgresql, Durability, testing::Values(
    Case{"alone_and_on_the_disk", [] { return alone(); }, "", ""},
    Case{"local_without_standbys", [] { return changed(alone(), [](auto& f) { f.synchronous_commit = "local"; }); }, "", ""},
    Case{"commits_not_on_the_disk", [] { return changed(alone(), [](auto& f) { f.synchronous_commit = "off"; }); }, "`synchronous_commit` is off", ""},
    Case{"no_fsync", [] { return changed(alone(), [](auto& f) { f.fsync = "off"; }); }, "`fsync` is off", ""},
    Case{"torn_pages", [] { return changed(alone(), [](auto& f) { f.full_page_writes = "off"; }); }, "`full_page_writes` is off", ""},
    Case{"a_standby_itself", [] { return changed(alone(), [](auto& f) { f.in_recovery = true; }); }, "it is a standby", ""},
    Case{"a_synchronous_standby", [] { return with_standby(); }, "", ""},
    Case{"on_is_on_the_standbys_disk", [] { return changed(with_standby(), [](auto& f) { f.synchronous_commit = "on"; }); }, "", ""},
    Case{"remote_write_is_not", [] { return changed(with_standby(), [](auto& f) { f.synchronous_commit = "remote_write"; }); }, "", "standbys that it does not wait for"},
    Case{"local_waits_for_none", [] { return changed(with_standby(), [](auto& f) { f.synchronous_commit = "local"; }); }, "", "standbys that it does not wait for"},
    Case{"an_asynchronous_standby", [] { return changed(alone(), [](auto& f) { f.other_standbys = 1; }); }, "", "standbys that it does not wait for"},
    Case{"a_standby_beside_the_synchronous_one", [] { return changed(with_standby(), [](auto& f) { f.other_standbys = 1; }); }, "", ""},
    Case{"a_standby_that_cannot_be_looked_at", [] { return changed(alone(), [](auto& f) { f.unknown_standbys = 1; }); }, "", "standbys that it does not wait for"},
    Case{"one_that_cannot_be_looked_at_and_is_waited_for", [] { return changed(with_standby(), [](auto& f) { f.synchronous_standbys = 0, f.unknown_standbys = 1; }); }, "", ""},
    Case{"named_and_not_waited_for", [] { return changed(with_standby(), [](auto& f) { f.synchronous_commit = "local", f.synchronous_standbys = 0; }); }, "", "no standby's disk is waited for"},
    Case{"named_and_absent", [] { return changed(with_standby(), [](auto& f) { f.synchronous_standbys = 0; }); }, "", "every commit waits until one is"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::postgresql
