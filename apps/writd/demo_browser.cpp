#include "demo_browser.h"

#include <vector>

#include "encoding/form.h"
#include "encoding/uri.h"

namespace writ::writd {
namespace {

constexpr int kStepsMax = 10;

Unexpected<client::Failure> failed(std::string message) {
  return unexpected(client::Failure{client::FailureKind::protocol, std::move(message), {}, {}, {}, {}});
}

std::string between(const std::string& text, const std::string& before, const std::string& after, std::size_t from = 0) {
  const auto begin = text.find(before, from);
  if (begin == std::string::npos) return "";
  const auto end = text.find(after, begin + before.size());
  return end == std::string::npos ? "" : text.substr(begin + before.size(), end - begin - before.size());
}

std::string unescaped(std::string text) {
  const std::pair<const char*, const char*> entities[] = {{"&quot;", "\""}, {"&#39;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : entities) {
    for (auto at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1)) text.replace(at, std::string(entity).size(), character);
  }
  return text;
}

// The fields of the page's form with the person's answers. Our own sign-in page is all that this must understand.
std::vector<std::pair<std::string, std::string>> fill_in(const std::string& form, const std::string& user, const std::string& password) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (auto at = form.find("<input"); at != std::string::npos; at = form.find("<input", at + 1)) {
    const std::string tag = form.substr(at, form.find('>', at) - at);
    const std::string name = between(tag, "name=\"", "\"");
    const std::string type = between(tag, "type=\"", "\"");
    if (name.empty()) continue;
    if (type == "password") fields.emplace_back(name, password);
    else if (type == "hidden") fields.emplace_back(name, unescaped(between(tag, "value=\"", "\"")));
    else fields.emplace_back(name, user);
  }
  return fields;
}

std::string absolute(const std::string& base, const std::string& reference) {
  if (reference.starts_with("http://") || reference.starts_with("https://")) return reference;
  const auto parsed = uri::parse(base);
  return parsed ? parsed->origin() + reference : reference;
}

}  // namespace

Task<Result<http::OutgoingResponse, client::Failure>> DemoBrowser::load(std::string method, std::string url, std::string body) {
  http::OutgoingRequest request;
  request.method = method;
  request.url = url;
  request.body = body;
  std::string cookie;
  for (const auto& [name, value] : cookies_) cookie += (cookie.empty() ? "" : "; ") + name + "=" + value;
  if (!cookie.empty()) request.headers.add("Cookie", cookie);
  if (method == "POST") {
    const auto parsed = uri::parse(url);
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    if (parsed) request.headers.add("Origin", parsed->origin());
  }
  auto answer = co_await outgoing_.fetch(std::move(request));
  if (!answer) co_return failed("cannot open " + url + ": " + answer.error().detail);
  for (const auto field : answer->headers.find_all("Set-Cookie")) {
    const std::string pair(field.substr(0, field.find(';')));
    const auto equals = pair.find('=');
    if (equals != std::string::npos) cookies_[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  co_return std::move(*answer);
}

Task<Result<std::string, client::Failure>> DemoBrowser::sign_in(std::string url, std::string redirect_uri, std::string user, std::string password) {
  std::string method = "GET", body;
  for (int step = 0; step < kStepsMax; ++step) {
    if (url.starts_with(redirect_uri)) co_return url.substr(url.find('?') == std::string::npos ? url.size() : url.find('?') + 1);
    auto page = co_await load(method, url, body);
    if (!page) co_return unexpected(page.error());
    if (const auto* location = page->headers.find("Location"); location && page->status >= 300 && page->status < 400) {
      url = absolute(url, *location);
      method = "GET";
      body.clear();
      continue;
    }
    const std::string form = between(page->body, "<form", "</form>");
    if (form.empty()) co_return failed(url + " shows no form (" + std::to_string(page->status) + ")");
    if (method == "POST") co_return failed("the sign-in page did not accept " + user);
    const std::string action = unescaped(between(form, "action=\"", "\""));
    const auto fields = fill_in(form, user, password);
    body = form::write(fields);
    method = "POST";
    if (!action.empty()) url = absolute(url, action);
  }
  co_return failed("the sign-in page leads in circles");
}

}  // namespace writ::writd
