#pragma once

// The standing streams of all members as one: the GET stream of a legacy session, or `subscriptions/listen`. A member's stream is opened when the member can be
// reached, and again when it ended, from the point that it had reached; while it is not there the others go on. A client that reads slowly slows the members, and
// little is kept.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/combined/asking.h"
#include "gateway/combined/member_stream.h"
#include "gateway/combined/points.h"

namespace writ::gateway::combined {

// Lives on the event loop of its request.
class MergedStream final : public http::BodyStream {
 public:
  // `own`: the exchange of the client's request. `of`: whose streams there may be. `points`: from where, of a GET stream; a subscription has none.
  MergedStream(Gateway& gateway, Members& members, const Handles& handles, std::shared_ptr<const Asking> asking, std::shared_ptr<Exchange> own, std::vector<std::string> of,
               std::optional<Points> points);
  ~MergedStream() override;
  Task<Result<std::string, http::StreamEnd>> next() override;
  void cancel() override;

 private:
  class Merge;
  std::shared_ptr<Merge> merge_;
};

// Of a listen request the part that concerns one member, as that member is to get it.
json::Value listen_at_member(const mcp::Message& message, std::string_view member, bool with_resources);

}  // namespace writ::gateway::combined
