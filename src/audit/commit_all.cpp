#include "audit/commit_all.h"

#include <algorithm>
#include <memory>
#include <optional>

namespace writ::audit {
namespace {

constexpr std::size_t kAtOnce = 256;

using Answer = Result<Committed, Unavailable>;

// Starts all of [first, last) on this executor and calls `done` when the last one has answered.
void start(DecisionsLog& log, std::vector<Commit>& commits, std::size_t first, std::size_t last, std::vector<Answer>& answers, std::function<void(bool)> done) {
  const auto open = std::make_shared<std::size_t>(last - first);
  for (std::size_t i = first; i < last; ++i) {
    spawn(log.commit(std::move(commits[i])), [&answers, i, open, done](std::exception_ptr exception, std::optional<Answer> answer) {
      if (!exception && answer) answers[i] = std::move(*answer);
      if (--*open == 0) done(true);
    });
  }
}

}  // namespace

Task<std::vector<Answer>> commit_all(DecisionsLog& log, std::vector<Commit> commits) {
  // What got no answer was not committed.
  std::vector<Answer> answers(commits.size(), Answer(unexpected(Unavailable{"decisions log"})));
  for (std::size_t first = 0; first < commits.size(); first += kAtOnce) {
    const std::size_t last = std::min(first + kAtOnce, commits.size());
    co_await suspend_until<bool>([&](std::function<void(bool)> resume) { start(log, commits, first, last, answers, std::move(resume)); });
  }
  co_return answers;
}

}  // namespace writ::audit
