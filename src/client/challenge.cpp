#include "client/challenge.h"

#include <algorithm>

namespace writ::client {
namespace {

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return result;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  void skip_spaces() { while (!done() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_; }
  void skip_separators() { while (!done() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == ',')) ++at_; }
  bool take(char character) {
    if (done() || text_[at_] != character) return false;
    ++at_;
    return true;
  }
  std::string token() {
    const std::size_t start = at_;
    while (!done() && is_token_character(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  bool quoted(std::string& value) {   // after the opening quote
    while (!done()) {
      const char character = text_[at_++];
      if (character == '"') return true;
      if (character == '\\') {
        if (done()) return false;
        value += text_[at_++];
      } else {
        value += character;
      }
    }
    return false;
  }
  std::size_t position() const { return at_; }
  void go_back_to(std::size_t position) { at_ = position; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

void parse_line(std::string_view line, std::vector<Challenge>& challenges) {
  Reader reader(line);
  while (true) {
    reader.skip_separators();
    if (reader.done()) return;
    Challenge challenge;
    challenge.scheme = lower(reader.token());
    if (challenge.scheme.empty()) return;
    // Parameters follow until a token that no "=" follows: that one is the next scheme.
    while (true) {
      reader.skip_separators();
      const std::size_t start = reader.position();
      const std::string name = lower(reader.token());
      reader.skip_spaces();
      if (name.empty() || !reader.take('=')) {
        reader.go_back_to(start);
        break;
      }
      reader.skip_spaces();
      std::string value;
      if (reader.take('"')) {
        if (!reader.quoted(value)) return;
      } else {
        value = reader.token();
      }
      challenge.parameters.emplace(name, std::move(value));
    }
    challenges.push_back(std::move(challenge));
  }
}

}  // namespace

std::string Challenge::parameter(std::string_view name) const {
  const auto found = parameters.find(std::string(name));
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Challenge> parse_challenges(const http::Headers& headers) {
  std::vector<Challenge> challenges;
  for (const auto line : headers.find_all("WWW-Authenticate")) parse_line(line, challenges);
  return challenges;
}

Challenge bearer_challenge(const http::Headers& headers) {
  const auto challenges = parse_challenges(headers);
  // A server that takes bound tokens alone sends no Bearer challenge; its DPoP challenge says the same (RFC 9449 §7.1).
  for (const char* scheme : {"bearer", "dpop"}) {
    for (const auto& challenge : challenges) {
      if (challenge.scheme == scheme) return challenge;
    }
  }
  return {};
}

}  // namespace writ::client
