#include "audit_export/sink.h"

#include "audit_export/ocsf.h"
#include "encoding/json.h"

namespace writ::audit_export {

std::string line_of(const audit::StoredRecord& record, Format format) {
  if (format == Format::records) return record.json_line;
  const auto value = json::parse(record.json_line);
  return value && value->as_object() ? json::write(to_ocsf(*value)) : record.json_line;
}

}  // namespace writ::audit_export
