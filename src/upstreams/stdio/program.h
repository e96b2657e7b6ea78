#pragma once

// A program that speaks MCP on its standard input and output (TR-110), as the layer above sees it: lines in, lines out. adapters/process runs
// them, tests have them in memory.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace writ::upstreams::stdio {

// What is run and what it may reach: this and nothing else.
struct Launch {
  std::string server;   // names it in logs
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> environment;       // with the secrets below, all of it
  std::vector<std::pair<std::string, Secret>> secret_environment;     // values that no log shows
  bool network = false;
  std::vector<std::string> read_paths, write_paths;
  std::int64_t memory_bytes_max = 0, processes_max = 0, open_files_max = 0;
};

// Told about one program, never from two threads at once. Whoever tells holds no lock.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_started() = 0;
  // Without its line feed; complete, not empty, within the bound.
  virtual void on_line(std::string line) = 0;
  // One that was longer than the bound and is lost: how it began and how it ended.
  virtual void on_lost_line(std::string beginning, std::string end) = 0;
  // Once, the last one. `started` false: it never ran, and `why` says what would be right.
  struct Ended {
    bool started = false;
    std::string why;   // for the log
  };
  virtual void on_ended(Ended ended) = 0;
};

// Safe to share between threads.
class Program {
 public:
  virtual ~Program() = default;
  // Puts a line (without its line feed) into the queue. False when the program ended, or reads so slowly that the queue is full.
  virtual bool write(std::string line) = 0;
  // Asks it to end by closing its input, then less and less politely (TR-114). on_ended follows.
  virtual void end() = 0;
};

class Programs {
 public:
  virtual ~Programs() = default;
  // Returns at once: what becomes of it is told to the listener, which is kept until it was told the end.
  virtual std::shared_ptr<Program> start(Launch launch, std::shared_ptr<Listener> listener) = 0;
};

}  // namespace writ::upstreams::stdio
