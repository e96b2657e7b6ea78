#pragma once

// The layer that lets clients and servers of different protocol eras talk (docs/reference/eras.md). Between sides of one era everything passes
// through untouched.

#include "upstreams/eras/for_legacy_client.h"
#include "upstreams/eras/for_modern_client.h"
#include "upstreams/eras/parts.h"
#include "upstreams/eras/server_era.h"

namespace writ::upstreams {

// Outlives the event loops: answers under way refer to it.
class EraBridge final : public Upstream {
 public:
  explicit EraBridge(EraParts parts) : parts_(std::move(parts)) {}
  EraBridge(const EraBridge&) = delete;
  EraBridge& operator=(const EraBridge&) = delete;
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;
  // About every second, on an event loop.
  void tidy(Instant now);

 private:
  EraParts parts_;
  ServerEra server_era_{parts_};
  ForModernClient for_modern_client_{parts_};
  ForLegacyClient for_legacy_client_{parts_};
};

}  // namespace writ::upstreams
