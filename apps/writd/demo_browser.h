#pragma once

// What a person's browser does at a sign-in page, for the demo: follows redirects on this machine, keeps cookies, fills in the form.

#include <map>
#include <string>

#include "client/failure.h"
#include "http/message.h"

namespace writ::writd {

class DemoBrowser {
 public:
  explicit DemoBrowser(http::Outgoing& outgoing) : outgoing_(outgoing) {}
  // Opens the URL, signs in, and answers the query of the redirect to `redirect_uri`.
  Task<Result<std::string, client::Failure>> sign_in(std::string url, std::string redirect_uri, std::string user, std::string password);

 private:
  Task<Result<http::OutgoingResponse, client::Failure>> load(std::string method, std::string url, std::string body);
  http::Outgoing& outgoing_;
  std::map<std::string, std::string> cookies_;
};

}  // namespace writ::writd
