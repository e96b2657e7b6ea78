#pragma once

// Authorization servers by hand: what each address answers, and what it was sent. For tests only.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "encoding/form.h"
#include "encoding/json.h"
#include "http/message.h"

namespace writ::upstreams {

class ScriptedOutgoing final : public http::Outgoing {
 public:
  using Answer = std::function<http::OutgoingResponse(const http::OutgoingRequest&)>;
  std::map<std::string, Answer> at;                  // by URL; elsewhere 404
  std::vector<http::OutgoingRequest> requests;
  bool is_down = false;
  std::vector<std::function<void()>>* held = nullptr;   // set: answers wait until a test lets them go

  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    if (held) {
      auto wait = [this](std::function<void(bool)> resume) { held->push_back([resume = std::move(resume)] { resume(true); }); };
      co_await suspend_until<bool>(std::move(wait));
    }
    if (is_down) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::connect, "down"});
    const auto found = at.find(request.url);
    http::OutgoingResponse response;
    response.status = 404;
    if (found != at.end()) response = found->second(request);
    co_return response;
  }
  std::vector<const http::OutgoingRequest*> to(const std::string& url) const {
    std::vector<const http::OutgoingRequest*> found;
    for (const auto& request : requests) {
      if (request.url == url) found.push_back(&request);
    }
    return found;
  }
  static http::OutgoingResponse json(const writ::json::Value& value, int status = 200) {
    http::OutgoingResponse response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = writ::json::write(value);
    return response;
  }
};

// A parameter of a form that was sent; empty when it is not there.
inline std::string sent(const http::OutgoingRequest& request, std::string_view name) {
  const auto form = form::parse(request.body);
  const auto* value = form ? form->find(name) : nullptr;
  return value ? *value : std::string();
}

}  // namespace writ::upstreams
