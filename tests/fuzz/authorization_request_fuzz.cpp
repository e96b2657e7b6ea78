#include <string>
#include <string_view>
#include <variant>

#include "encoding/form.h"
#include "encoding/uri.h"
#include "expect.h"
#include "token_service/idp/authorization_request.h"
#include "token_service/cookies.h"
#include "token_service/idp/pages.h"

using namespace writ;
using namespace writ::token_service::idp;

namespace {

constexpr std::string_view kRegistered[] = {"http://127.0.0.1/callback", "https://app.example/cb?tenant=1"};

const registry::Snapshot& snapshot() {
  static const registry::Snapshot made = [] {
    registry::Agent agent;
    agent.id = "cursor";
    agent.idp = registry::Registration{};
    agent.idp->client_id = "c";
    for (const auto uri : kRegistered) agent.idp->redirect_uris.emplace_back(uri);
    registry::Objects objects;
    objects.agents = {agent};
    return registry::Snapshot(std::move(objects), 1);
  }();
  return made;
}

// Whatever a stranger writes, a browser is sent to a registered address or nowhere, and in one header line.
void expect_registered(const std::string& redirect_uri, const std::string& location) {
  EXPECT(uri::redirect_matches(kRegistered[0], redirect_uri) || uri::redirect_matches(kRegistered[1], redirect_uri));
  EXPECT(location.starts_with(redirect_uri));
  EXPECT(location.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http::Request request;
  request.headers.add("Cookie", std::string(text));
  if (const auto cookie = token_service::Cookies::find(request, "a")) EXPECT(cookie->find(';') == std::string::npos);
  EXPECT(token_service::escape_html(text).find_first_of("<>\"'") == std::string::npos);

  const auto parameters = form::parse(text);
  if (!parameters) return 0;
  const auto checked = check_authorization_request(*parameters, snapshot());
  if (checked) {
    EXPECT(checked->scope.contains("openid") && !checked->code_challenge.empty());
    expect_registered(checked->redirect_uri, success_location(*checked, "code", "https://id.acme.example"));
  } else if (const auto* error = std::get_if<RedirectedError>(&checked.error())) {
    expect_registered(error->redirect_uri, error_location(*error, "https://id.acme.example"));
  }
  return 0;
}
