// A connection's bytes: request head and chunked body. The verdict must not depend on how the bytes are cut, and what our reader accepts a
// lenient one (Boost.Beast) must read in the same way; otherwise a request could hide inside another (threat G1).

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>

#include "expect.h"
#include "http/chunked.h"
#include "http/head.h"
#include "http/write.h"

namespace http = writ::http;
namespace beast = boost::beast::http;

namespace {

constexpr std::size_t kNoLimit = 1 << 24;

struct Verdict {
  int status = -1;           // -1: more is needed; 0: accepted
  std::size_t head_bytes = 0;
  http::RequestHead head;
  std::string body;          // of a chunked request
  bool operator==(const Verdict& other) const {
    return status == other.status && head_bytes == other.head_bytes && body == other.body && head.request.path == other.head.request.path &&
           head.request.headers.fields() == other.head.request.headers.fields();
  }
};

Verdict read(std::string_view bytes, std::size_t cut) {
  Verdict verdict;
  http::HeadEnd end;
  for (const std::string_view arrived : {bytes.substr(0, cut), bytes}) {
    if (verdict.head_bytes != 0) break;
    const auto found = end.find(arrived, {});
    if (!found) return verdict.status = found.error().status, verdict;
    verdict.head_bytes = found->value_or(0);
  }
  if (verdict.head_bytes == 0) return verdict;
  auto head = http::parse_request_head(bytes.substr(0, verdict.head_bytes), {});
  if (!head) return verdict.status = head.error().status, verdict;
  verdict.head = std::move(*head);
  verdict.status = 0;
  if (verdict.head.framing.kind != http::Framing::Kind::chunked) return verdict;

  http::ChunkedDecoder decoder;
  std::string waiting;
  const std::string_view rest = bytes.substr(verdict.head_bytes);
  const std::size_t body_cut = std::min(cut, rest.size());
  for (const std::string_view piece : {rest.substr(0, body_cut), rest.substr(body_cut)}) {
    waiting += piece;
    const auto taken = decoder.feed(waiting, verdict.body, kNoLimit, kNoLimit);
    if (!taken) {
      verdict.body.clear();
      return verdict.status = taken.error().status, verdict;
    }
    waiting.erase(0, *taken);
  }
  if (!decoder.is_done()) verdict.status = -1, verdict.body.clear();
  return verdict;
}

void expect_same_reading(const Verdict& verdict, std::string_view bytes) {
  beast::request_parser<beast::string_body> other;
  other.header_limit(1 << 20);
  other.body_limit(kNoLimit);
  other.eager(true);
  boost::system::error_code error;
  std::string_view rest = bytes;
  while (!error && !rest.empty() && !other.is_done()) {
    const std::size_t taken = other.put(boost::asio::buffer(rest.data(), rest.size()), error);
    rest.remove_prefix(taken);
    if (taken == 0) break;
  }
  // Our limits stand in the listener. Beast looks into chunk extensions and lists in Connection, which we read over: nothing depends on them.
  if (error == beast::error::body_limit || error == beast::error::bad_chunk_extension || error == beast::error::bad_value) return;
  // Beast takes framing fields in trailers for fields of the head; we throw trailers away (RFC 9110 §6.5.1).
  const bool is_about_framing = error == beast::error::bad_transfer_encoding || error == beast::error::bad_content_length ||
                                error == beast::error::multiple_content_length;
  if (is_about_framing && verdict.head.framing.kind == http::Framing::Kind::chunked) return;
  if (error && error != beast::error::need_more) std::fprintf(stderr, "%s\n%.*s\n", error.message().c_str(), static_cast<int>(bytes.size()), bytes.data());
  EXPECT(!error || error == beast::error::need_more);
  EXPECT(other.is_header_done());
  const auto& message = other.get();
  const http::Request& request = verdict.head.request;
  EXPECT(message.method_string() == request.method);
  const std::string_view target(message.target().data(), message.target().size());
  EXPECT(target.substr(0, request.path.size()) == request.path);
  EXPECT(target.size() == request.path.size() || target == request.path + "?" + request.query);
  EXPECT(message[beast::field::host] == request.host);
  if (verdict.head.framing.kind == http::Framing::Kind::chunked) {
    EXPECT(message.chunked());
    EXPECT(message.body() == verdict.body);
  } else {
    EXPECT(!message.chunked());
    EXPECT(other.content_length().value_or(0) == verdict.head.framing.length);
  }
  // Beast keeps trailers among the fields, so it may have more of them than we, who throw them away.
  if (message.chunked()) return;
  EXPECT(static_cast<std::size_t>(std::distance(message.begin(), message.end())) == request.headers.fields().size());
  for (const auto& field : message) {
    const auto values = request.headers.find_all(std::string_view(field.name_string().data(), field.name_string().size()));
    EXPECT(std::find(values.begin(), values.end(), std::string_view(field.value().data(), field.value().size())) != values.end());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Verdict whole = read(bytes, size);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, size / 3, size / 2, size - size / 5, size > 0 ? size - 1 : 0}) EXPECT(read(bytes, cut) == whole);
  if (whole.status == 0) expect_same_reading(whole, bytes);
  // The same bytes as a response: what is accepted can be written again.
  http::HeadEnd end;
  const auto found = end.find(bytes, {});
  if (found && *found) {
    const auto head = http::parse_response_head(bytes.substr(0, **found), "GET", {});
    std::string written;
    if (head) EXPECT(http::append_response_head(written, std::max(head->status, 200), head->headers, {}));
  }
  return 0;
}
