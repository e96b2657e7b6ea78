#pragma once

// The documents of clients, fetched when somebody names one and remembered for a while. Only what an administrator's object names, or what a setting allows,
// is ever asked for here, and only at public addresses (threat N1): the caller sees to the first, the request that is sent to the second.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "client_metadata/client_document.h"
#include "http/message.h"

namespace writ::client_metadata {

// Safe to share between threads. `outgoing` outlives it.
class ClientDocuments {
 public:
  struct Settings {
    bool loopback = false;         // documents on this machine too, over http: for development and tests
    Seconds fresh_min{60}, fresh_max{3600}, fresh_default{300};   // bounds for what Cache-Control says (MCPA-77)
    Seconds kept_for{3600};        // a good document, while its address does not answer
    Seconds cooldown{10};          // between two attempts for one address
    std::size_t documents_max = 1'000;
  };
  using Document = std::shared_ptr<const ClientDocument>;

  ClientDocuments(http::Outgoing& outgoing, Settings settings) : outgoing_(outgoing), settings_(settings) {}

  // Fetches when there is none, or none that is fresh. Errors and invalid documents are not remembered as documents (MCPA-77); a good one is kept a while
  // when its address does not answer, but not when it answers with something else.
  Task<Result<Document, DocumentProblem>> find(std::string url, Instant now);
  // From memory alone; null when it is not there or too old.
  Document known(std::string_view url, Instant now) const;
  const Settings& settings() const { return settings_; }

 private:
  struct Entry {
    Document document;             // null: none was good yet
    Instant fetched{}, fresh_until{}, attempted{};
    DocumentProblem problem = DocumentProblem::unreachable;   // of the last attempt
  };
  void remember(const std::string& url, Entry entry, Instant now);

  http::Outgoing& outgoing_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

// A registration by address, with what its document says. Null when that cannot be had or does not hold what it must; `find` says why.
Task<std::shared_ptr<const registry::Registration>> describe(ClientDocuments& documents, registry::Registration registered, Instant now);
std::shared_ptr<const registry::Registration> described_from_memory(const ClientDocuments& documents, const registry::Registration& registered, Instant now);

// What Cache-Control allows, within the bounds.
Seconds fresh_for(const http::Headers& headers, const ClientDocuments::Settings& settings);

}  // namespace writ::client_metadata
