#pragma once

// Who speaks for a host on stdio or for a client of the legacy era, which send none, makes the mirrored headers of 2026-07-28 itself (TR-60 to TR-62, TR-115). For
// `Mcp-Param-*` it remembers which arguments each tool's schema marks with `x-mcp-header`.

#include <map>
#include <string>
#include <vector>

#include "encoding/json.h"
#include "http/message.h"
#include "mcp/json_rpc.h"

namespace writ::mcp {

class MirroredHeaders {
 public:
  // Learns from a result of tools/list, and takes tools out of it whose annotations break the rules (TR-63). Answers the names it took out.
  std::vector<std::string> learn_tools(json::Value& result);
  // Adds the headers for a message of the modern era.
  void add(const Message& message, http::Headers& headers) const;

 private:
  struct Parameter {
    std::string header;
    std::vector<std::string> path;   // through `properties`, from `arguments`
  };
  static bool collect(const json::Value& schema, std::vector<std::string>& path, std::vector<Parameter>& out);
  std::map<std::string, std::vector<Parameter>> tools_;
};

}  // namespace writ::mcp
