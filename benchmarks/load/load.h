#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace writ::load {

struct Options {
  std::uint16_t port = 0;             // on 127.0.0.1
  std::string requests_file;
  std::size_t connections = 32;
  double seconds = 3;
  double rate = 0;                    // requests a second; 0: closed loop
  bool once = false;
  std::string status = "200";         // what a good answer has
};
// Prints one line of JSON; the exit code is not 0 when there was no good answer at all.
int run(const Options& options);

}  // namespace writ::load
