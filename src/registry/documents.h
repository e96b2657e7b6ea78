#pragma once

// Small state that is read from memory on every request and must outlive the process: sessions, refresh tokens, device keys,
// revocations. Its owners keep it in memory, decide there, and write each change through before they acknowledge it. An adapter is a
// home for the documents and knows nothing of what they say.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace writ::registry {

struct Document {
  std::string table, key;       // together unique
  std::int64_t version = 0;     // given by the owner under its lock, rising for each key: the higher version stays
  Instant expires{};            // may be forgotten afterwards
  std::string json;
};

// Safe to share between threads. put() resumes on the caller's executor.
class Documents {
 public:
  virtual ~Documents() = default;
  // At start, before there are event loops: blocks.
  virtual Result<std::vector<Document>, Unavailable> load(std::string_view table) = 0;
  // Durable when it completes. Two writes of one key may overtake each other on their way: the one with the higher version wins.
  virtual Task<Result<void, Unavailable>> put(Document document) = 0;
  virtual Task<Result<void, Unavailable>> forget_expired(Instant now) = 0;
};

}  // namespace writ::registry
