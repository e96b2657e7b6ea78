#pragma once

// What every page of these servers is made of: plain HTML, no script, nothing loaded from elsewhere, no frame around it.

#include <string>
#include <string_view>

#include "http/message.h"

namespace writ::token_service {

std::string escape_html(std::string_view text);   // for element content and quoted attributes
std::string hidden(std::string_view name, std::string_view value);   // a field of a form that nobody sees

// `body` and `head` are HTML, `title` is text. `redirect_origin`: where forms on it may lead besides here: browsers hold redirects against form-action too.
http::Response page(int status, std::string_view title, std::string_view body, std::string_view redirect_origin = {}, std::string_view head = {});

http::Response message_page(int status, std::string_view organisation, std::string_view title, std::string_view text);
http::Response redirect(std::string location);   // 303, not stored

}  // namespace writ::token_service
