#pragma once

// Small state that is read from memory on every request and must outlive the process: sessions, refresh tokens, device keys,
// revocations. Its owners keep it in memory, decide there, and write each change through before they acknowledge it. An adapter is a
// home for the documents and knows nothing of what they say.

#include <cstdint>
#include <functional>
#include <optional>
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
  // As put(), where several nodes share the documents (docs/reference/nodes.md). False: another node has written this one since its owner read it, so
  // nothing was written. Its owner has been handed what is there now and may make its change again on top of that.
  virtual Task<Result<bool, Unavailable>> put_on_top(Document document);
};

// Who keeps the documents of a table in memory, and so must hear of what other nodes write. Safe to share between threads.
class DocumentOwner {
 public:
  virtual ~DocumentOwner() = default;
  virtual std::string_view table() const = 0;
  // Takes the place of what is in memory, unless that follows from it already: then its version is not below this one. An error means that it cannot
  // be read; this node then no longer knows what it decides on, and stops serving.
  virtual Result<void, Unavailable> take_over(const Document& document) = 0;
};

// `change` alters what its owner has in memory, under the owner's lock, and returns the document that says so; nothing: there is nothing to write.
// Where another node was quicker it is made again on what that node wrote.
Task<Result<void, Unavailable>> write_through(Documents& documents, std::function<std::optional<Document>()> change);

}  // namespace writ::registry
