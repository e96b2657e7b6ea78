#pragma once

// A server that wants a fixed header field: its value stands in a file that only the service may read, and is read at each use, so that it can be
// changed while the service runs.

#include <functional>
#include <string>

#include "base/secret.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

// The error is a sentence for the log that names the file, never what is in it.
using ReadSecret = std::function<Result<Secret, std::string>(const std::string& file)>;

class FixedCredential final : public Upstream {
 public:
  FixedCredential(Upstream& below, ReadSecret read_secret) : below_(below), read_secret_(std::move(read_secret)) {}
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;

 private:
  Upstream& below_;
  ReadSecret read_secret_;
};

}  // namespace writ::upstreams
