#pragma once

// Idle connections to upstream servers, of one loop. Private to this folder.

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/net/channel.h"

namespace writ::net {

class UpstreamPool {
 public:
  UpstreamPool(Loop& loop, milliseconds keep_idle, std::size_t per_key_max);

  // A connection on which nothing has happened since it was put here, or null.
  std::shared_ptr<Channel> take(const std::string& key);
  void put(const std::string& key, std::shared_ptr<Channel> channel);

 private:
  struct Idle {
    std::shared_ptr<Channel> channel;
    SteadyTime since;
  };
  void prune();

  milliseconds keep_idle_;
  std::size_t per_key_max_;
  std::unordered_map<std::string, std::vector<Idle>> idle_;
  Deadline next_prune_;
};

}  // namespace writ::net
