#pragma once

// What connections to upstream servers are opened with: one TLS context for each set of files. Private to this folder.

#include <mutex>
#include <string>
#include <unordered_map>

#include "adapters/net/tls.h"

namespace writ::net {

// Safe to share between threads.
class ClientContexts {
 public:
  // Certificates live shorter than processes: they are read again when their files change. What is being replaced at this very moment, and
  // therefore does not fit together, leaves the earlier one in use; its own validity is for the server to judge.
  Result<SslContext, std::string> find(const std::string& ca_file, const std::string& certificate_file, const std::string& key_file);

 private:
  struct Loaded {
    SslContext context;
    std::string stamp;   // of the certificate's and the key's files
  };
  std::mutex mutex_;     // taken when a request is sent over TLS
  std::unordered_map<std::string, Loaded> loaded_;
};

}  // namespace writ::net
