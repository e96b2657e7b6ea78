#include "client_metadata/client_documents.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "encoding/uri.h"

namespace writ::client_metadata {
namespace {

bool is_json(const http::OutgoingResponse& response) {
  const auto* type = response.headers.find_single("Content-Type");
  if (!type) return false;
  std::string media(std::string_view(*type).substr(0, std::min(type->find(';'), type->size())));
  while (media.ends_with(' ')) media.pop_back();
  return http::equals_ignoring_case(media, "application/json") || (media.size() > 5 && http::equals_ignoring_case(media.substr(media.size() - 5), "+json"));
}

http::OutgoingRequest request_for(const std::string& url, bool loopback_allowed) {
  http::OutgoingRequest request;
  request.url = url;
  request.headers.add("Accept", "application/json");
  request.response_bytes_max = kDocumentBytesMax;
  request.timeout_ms = 5'000;
  const auto parsed = uri::parse(url);
  request.public_addresses_only = !(loopback_allowed && parsed && parsed->is_loopback());
  return request;
}

Result<ClientDocument, DocumentProblem> read(const Result<http::OutgoingResponse, http::OutgoingFailure>& response, const std::string& url) {
  if (!response) return unexpected(DocumentProblem::unreachable);
  if (response->status != 200) return unexpected(DocumentProblem::status);   // MCPA-75
  if (!is_json(*response)) return unexpected(DocumentProblem::not_json);
  return parse_client_document(response->body, url);
}

}  // namespace

Seconds fresh_for(const http::Headers& headers, const ClientDocuments::Settings& settings) {
  const auto* field = headers.find_single("Cache-Control");
  if (!field) return settings.fresh_default;
  if (field->find("no-store") != std::string::npos || field->find("no-cache") != std::string::npos) return settings.fresh_min;
  const auto at = field->find("max-age=");
  if (at == std::string::npos) return settings.fresh_default;
  std::int64_t seconds = 0;
  const char* begin = field->data() + at + 8;
  const auto [end, error] = std::from_chars(begin, field->data() + field->size(), seconds);
  if (error != std::errc{} || end == begin) return settings.fresh_default;
  return std::clamp(Seconds{seconds}, settings.fresh_min, settings.fresh_max);
}

Task<Result<ClientDocuments::Document, DocumentProblem>> ClientDocuments::find(std::string url, Instant now) {
  if (!is_client_id_url(url, settings_.loopback)) co_return unexpected(DocumentProblem::not_an_address);
  std::optional<Entry> before;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(url);
    if (found != entries_.end()) {
      Entry& entry = found->second;
      if (entry.document && now < entry.fresh_until) co_return entry.document;
      const bool is_usable = entry.document && now < entry.fetched + settings_.kept_for;
      // Somebody is asking at this moment, or was refused just now: an address that does not answer is not asked with every request.
      if (now < entry.attempted + settings_.cooldown) {
        if (is_usable) co_return entry.document;
        co_return unexpected(entry.problem);
      }
      entry.attempted = now;
      before = entry;
    }
  }
  if (!before) {
    before.emplace();
    before->attempted = now;
    remember(url, *before, now);
  }
  auto request = request_for(url, settings_.loopback);
  const auto response = co_await outgoing_.fetch(std::move(request));
  auto document = read(response, url);
  Entry entry;
  entry.attempted = now;
  if (document) {
    entry.document = std::make_shared<const ClientDocument>(std::move(*document));
    entry.fetched = now;
    entry.fresh_until = now + fresh_for(response->headers, settings_);
    remember(url, entry, now);
    co_return entry.document;
  }
  entry.problem = document.error();
  // An outage keeps what was good; whoever answers with another document has taken the old one back.
  const bool is_outage = entry.problem == DocumentProblem::unreachable || (entry.problem == DocumentProblem::status && response && response->status >= 500);
  if (is_outage && before->document && now < before->fetched + settings_.kept_for) {
    entry.document = before->document;
    entry.fetched = before->fetched;
    entry.fresh_until = before->fresh_until;
    remember(url, entry, now);
    co_return entry.document;
  }
  const DocumentProblem problem = entry.problem;
  remember(url, std::move(entry), now);
  co_return unexpected(problem);
}

ClientDocuments::Document ClientDocuments::known(std::string_view url, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(url);
  if (found == entries_.end() || !found->second.document || now >= found->second.fetched + settings_.kept_for + settings_.fresh_max) return nullptr;
  return found->second.document;
}

Task<std::shared_ptr<const registry::Registration>> describe(ClientDocuments& documents, registry::Registration registered, Instant now) {
  const auto document = co_await documents.find(registered.client_id, now);
  if (!document) co_return nullptr;
  auto whole = described(registered, **document);
  if (!whole) co_return nullptr;
  co_return std::make_shared<const registry::Registration>(std::move(*whole));
}

std::shared_ptr<const registry::Registration> described_from_memory(const ClientDocuments& documents, const registry::Registration& registered, Instant now) {
  const auto document = documents.known(registered.client_id, now);
  auto whole = document ? described(registered, *document) : Result<registry::Registration, DocumentProblem>(unexpected(DocumentProblem::unreachable));
  return whole ? std::make_shared<const registry::Registration>(std::move(*whole)) : nullptr;
}

void ClientDocuments::remember(const std::string& url, Entry entry, Instant now) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= settings_.documents_max && !entries_.contains(url)) {
    std::erase_if(entries_, [&](const auto& item) { return now >= item.second.attempted + settings_.fresh_max; });
    if (entries_.size() >= settings_.documents_max) {
      const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.second.attempted < b.second.attempted; });
      entries_.erase(oldest);
    }
  }
  entries_[url] = std::move(entry);
}

}  // namespace writ::client_metadata
