#include "adapters/process/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace writ::process {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr int kPiecesInATurn = 4;   // so that a program that writes without end does not keep the others waiting
constexpr std::size_t kReportBytesMax = 4096;

enum class Reading { more, dry, ended };
Reading read_piece(int from, std::string& piece) {
  piece.resize(kPieceBytes);
  const ssize_t size = ::read(from, piece.data(), piece.size());
  piece.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (size > 0) return Reading::more;
  return size < 0 && (errno == EAGAIN || errno == EINTR) ? Reading::dry : Reading::ended;
}

}  // namespace

bool InputQueue::put(std::string line) {
  const std::lock_guard lock(mutex_);
  if (closed_ || (!waiting_.empty() && waiting_.size() + line.size() >= bytes_max_)) return false;
  waiting_.append(line).push_back('\n');
  return true;
}
void InputQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}
bool InputQueue::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}
std::string InputQueue::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

Child::Child(upstreams::stdio::Launch launch, std::shared_ptr<upstreams::stdio::Listener> listener, std::shared_ptr<InputQueue> queue, const SupervisorOptions& options)
    : launch_(std::move(launch)), listener_(std::move(listener)), queue_(std::move(queue)), options_(options), output_(options.line_bytes_max),
      errors_(options.log_line_bytes_max), report_(kReportBytesMax) {}

void Child::start(SteadyTime now) {
  SandboxPlan plan;
  plan.command = launch_.command;
  for (const auto& [name, value] : launch_.environment) plan.environment.push_back(name + "=" + value);
  for (const auto& [name, value] : launch_.secret_environment) plan.environment.push_back(name + "=" + std::string(value.reveal()));
  plan.network = launch_.network;
  plan.read_paths = launch_.read_paths;
  plan.write_paths = launch_.write_paths;
  plan.memory_bytes_max = launch_.memory_bytes_max;
  plan.processes_max = launch_.processes_max;
  plan.open_files_max = launch_.open_files_max;
  plan.own_user = own_user_of(launch_.server);
  auto spawned = spawn_sandbox(options_.sandbox_program, std::move(plan));
  if (!spawned) return finish(std::move(spawned).error());
  spawned_ = std::move(*spawned);
  next_ = now + options_.start_deadline;
}

void Child::begin_end(SteadyTime now) {
  if (over_ || stage_ != Stage::running) return;
  stage_ = Stage::input_closed;
  next_ = now + options_.grace;
  queue_->close();
  pending_.clear();
  spawned_.input.reset();
}

void Child::end_on_request(SteadyTime now) {
  was_asked_ = true;
  begin_end(now);
}

void Child::on_time(SteadyTime now) {
  if (over_ || now < next_) return;
  switch (stage_) {
    case Stage::running:   // still not started
      last_words_ = "it was not running in time";
      stage_ = Stage::killed;
      ::kill(spawned_.pid, SIGKILL);
      next_ = SteadyTime::max();
      break;
    case Stage::input_closed:
      ::kill(spawned_.pid, SIGTERM);
      stage_ = Stage::terminated;
      next_ = now + options_.grace;
      break;
    case Stage::terminated:
      ::kill(spawned_.pid, SIGKILL);   // the kernel takes all that is inside with it
      stage_ = Stage::killed;
      next_ = SteadyTime::max();
      break;
    case Stage::killed: break;
  }
}

bool Child::read_output(bool until_empty) {
  const LineReader::Lines lines{[this](std::string line) { listener_->on_line(std::move(line)); },
                                [this](std::string beginning, std::string end) {
                                  log("a line of more than " + std::to_string(options_.line_bytes_max) + " bytes on its standard output was dropped");
                                  listener_->on_lost_line(std::move(beginning), std::move(end));
                                }};
  std::string piece;
  for (int i = 0; until_empty || i < kPiecesInATurn; ++i) {
    const Reading reading = read_piece(spawned_.output.get(), piece);
    if (reading == Reading::dry) return true;
    if (reading == Reading::ended) {
      output_.finish(lines);
      return false;
    }
    output_.feed(piece, lines);
  }
  return true;
}

void Child::on_output() {
  if (!spawned_.output.is_open() || read_output(false)) return;
  // It will never answer again, whatever else it does.
  spawned_.output.reset();
  begin_end(std::chrono::steady_clock::now());
}

void Child::on_errors(SteadyTime now) {
  std::string piece;
  if (!spawned_.errors.is_open()) return;
  const LineReader::Lines lines{[&](std::string line) { log_line(std::move(line), now); },
                                [&](const std::string& beginning, const std::string&) { log_line(beginning + " (shortened)", now); }};
  switch (read_piece(spawned_.errors.get(), piece)) {
    case Reading::more: errors_.feed(piece, lines); break;
    case Reading::dry: break;
    case Reading::ended:
      errors_.finish(lines);
      spawned_.errors.reset();
      break;
  }
}

void Child::act_on_report(std::string_view line) {
  const std::string sentence(line.substr(1));
  if (line.front() == kReportStarted && !started_) {
    started_ = true;
    if (stage_ == Stage::running) next_ = SteadyTime::max();
    listener_->on_started();
  } else {
    last_words_ = sentence;
  }
}

void Child::on_report() {
  std::string piece;
  if (!spawned_.report.is_open()) return;
  const LineReader::Lines lines{[this](const std::string& line) { act_on_report(line); }, [](const std::string&, const std::string&) {}};
  const Reading reading = read_piece(spawned_.report.get(), piece);
  if (reading == Reading::more) report_.feed(piece, lines);
  if (reading == Reading::ended) spawned_.report.reset();
}

void Child::on_exit() {
  if (over_) return;
  int status = 0;
  if (::waitpid(spawned_.pid, &status, WNOHANG) != spawned_.pid) return;
  // What it said before it went. Nobody is left who could go on writing.
  on_report();
  if (spawned_.output.is_open()) static_cast<void>(read_output(true));
  for (int i = 0; i < kPiecesInATurn && spawned_.errors.is_open(); ++i) on_errors(std::chrono::steady_clock::now());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::string how = code > 128 ? "was ended by signal " + std::to_string(code - 128) : "ended with exit status " + std::to_string(code);
  if (!last_words_.empty()) how = (started_ ? how + ": " : "was not started: ") + last_words_;
  finish(std::move(how));
}

void Child::finish(std::string why) {
  over_ = true;
  queue_->close();
  if (lines_left_out_ > 0) log(std::to_string(lines_left_out_) + " further lines on its standard error were left out");
  if (!was_asked_) log(why);
  spawned_ = Spawned();
  const auto listener = std::exchange(listener_, nullptr);
  listener->on_ended({started_, std::move(why)});
}

void Child::write_input() {
  if (!spawned_.input.is_open()) return;
  if (pending_.empty()) pending_ = queue_->take();
  while (!pending_.empty()) {
    const ssize_t written = ::write(spawned_.input.get(), pending_.data(), pending_.size());
    if (written < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return on_input_closed();
    }
    pending_.erase(0, static_cast<std::size_t>(written));
    if (pending_.empty()) pending_ = queue_->take();
  }
}

// It closed its input: it ends, or never will answer.
void Child::on_input_closed() {
  pending_.clear();
  begin_end(std::chrono::steady_clock::now());
}

// Never a secret that it was given, never a second line, never more than so many.
std::string Child::masked(std::string line) const {
  for (const auto& [name, value] : launch_.secret_environment) {
    const auto secret = value.reveal();
    if (secret.size() < 6) continue;   // hiding it would tell it, and hide half of the text
    for (auto at = line.find(secret); at != std::string::npos; at = line.find(secret, at + 3)) line.replace(at, secret.size(), "***");
  }
  return line;
}

void Child::log_line(std::string line, SteadyTime now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    if (lines_left_out_ > 0) log(std::to_string(lines_left_out_) + " further lines on its standard error were left out");
    second_ = now;
    lines_in_second_ = lines_left_out_ = 0;
  }
  if (++lines_in_second_ > options_.log_lines_per_second) {
    ++lines_left_out_;
    return;
  }
  if (options_.says) options_.says("program of server `" + launch_.server + "` says: " + shown_in_log(masked(std::move(line))));
}

void Child::log(const std::string& sentence) const {
  if (options_.log) options_.log("program of server `" + launch_.server + "`: " + sentence);
}

}  // namespace writ::process
