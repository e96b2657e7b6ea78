#pragma once

// Lists and what of a resource is shown (RFC 7644 §3.4.2, §3.9).

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/form.h"
#include "encoding/json.h"
#include "scim/error.h"
#include "scim/filter.h"

namespace writ::scim {

inline constexpr std::int64_t kResultsMax = 1'000;

// `attributes` and `excludedAttributes`.
class Projection {
 public:
  static Result<Projection, Error> read(const form::Parameters& query, const ResourceType& type);
  json::Value of(json::Value resource) const;

 private:
  explicit Projection(const ResourceType& type) : type_(&type) {}
  const ResourceType* type_;
  std::optional<std::vector<Path>> wanted_;
  std::vector<Path> excluded_;
};

struct ListQuery {
  std::int64_t start = 1, count = 100;   // `startIndex` counts from 1
  std::optional<Filter> filter;
  Projection projection;
};
Result<ListQuery, Error> read_list_query(const form::Parameters& query, const ResourceType& type);

// Counts what matches and keeps the page that was asked for.
class Page {
 public:
  explicit Page(const ListQuery& query) : query_(query) {}
  // Whether the next match is to be written; counts it.
  bool takes_next();
  void add(json::Value resource) { resources_.push_back(query_.projection.of(std::move(resource))); }
  json::Value finish() &&;

 private:
  const ListQuery& query_;
  std::int64_t total_ = 0;
  json::Array resources_;
};

json::Value list_response(json::Array resources);   // all of them on one page

}  // namespace writ::scim
