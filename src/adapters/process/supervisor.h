#pragma once

// Runs programs in their sandboxes and looks after them, all on one thread of its own: feeds them, reads them, ends them, buries them.

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "upstreams/stdio/program.h"

namespace writ::process {

struct SupervisorOptions {
  std::string sandbox_program;                      // the path of `writ-sandbox`
  std::size_t line_bytes_max = 16 << 20;            // of one message from a program
  std::size_t input_bytes_max = 8 << 20;            // what waits to be read by a program
  Milliseconds start_deadline{10'000};              // until the program runs
  Milliseconds grace{2'000};                        // between closing its input, SIGTERM and SIGKILL (TR-114)
  int log_lines_per_second = 20;                    // of what one program writes to standard error; the rest is counted
  std::size_t log_line_bytes_max = 4096;
  // For the operator's log, called on the supervisor's thread: what happened to a program, and what it wrote to standard error.
  std::function<void(std::string)> log, says;
  std::function<void()> tick;                       // ten times a second, on the supervisor's thread
};

class Supervisor final : public upstreams::stdio::Programs {
 public:
  explicit Supervisor(SupervisorOptions options);
  ~Supervisor() override;   // ends all programs, with less patience, and waits for them
  std::shared_ptr<upstreams::stdio::Program> start(upstreams::stdio::Launch launch, std::shared_ptr<upstreams::stdio::Listener> listener) override;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

// `writ-sandbox` beside the running program.
std::string sandbox_program_beside_this();

}  // namespace writ::process
