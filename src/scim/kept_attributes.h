#pragma once

// What a directory says of people and groups beyond what the registry keeps: given name, telephone, cost centre. Nothing is decided by it; it is given back as it was sent.
// In memory, written through to Documents. Also when a resource came and was changed last.

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "encoding/json.h"
#include "registry/documents.h"
#include "registry/object_kind.h"

namespace writ::scim {

struct Kept {
  Instant created{}, last_modified{};
  json::Value attributes = json::Object{};   // as in the resource
};

// Safe to share between threads.
class KeptAttributes final : public registry::DocumentOwner {
 public:
  // Reads what was kept before; `documents` outlives the object.
  static Result<std::unique_ptr<KeptAttributes>, Unavailable> open(registry::Documents& documents);

  std::shared_ptr<const Kept> find(registry::ObjectKind kind, const std::string& id) const;   // null: nothing is known
  Task<Result<void, Unavailable>> keep(registry::ObjectKind kind, std::string id, Kept kept);
  Task<Result<void, Unavailable>> forget(registry::ObjectKind kind, std::string id, Instant now);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  explicit KeptAttributes(registry::Documents& documents) : documents_(documents) {}
  struct Entry {
    std::int64_t version = 0;
    std::shared_ptr<const Kept> kept;
  };
  registry::Documents& documents_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace writ::scim
