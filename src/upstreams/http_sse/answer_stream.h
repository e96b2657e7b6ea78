#pragma once

// Bodies of answers that this layer makes itself.

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/message.h"
#include "upstreams/http_sse/session.h"

namespace writ::upstreams::http_sse {

// A whole body.
class TextBody final : public http::BodyStream {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  Task<Result<std::string, http::StreamEnd>> next() override;
  void cancel() override { text_.clear(); }

 private:
  std::string text_;
};

// A message on its way to the endpoint.
struct Posting {
  http::Cancellation cancellation;
  std::optional<Result<http::UpstreamResponse, Failure>> refused;   // the endpoint's own answer, when it is no yes
  bool has_begun = false;                                           // something that belongs to it has come on the stream
};

// What comes into an inbox, as events. Complete after the last one, broken when the session ends before. Its request is forgotten with it, and its
// `posting`, where there is one, ended with an answer that nobody reads to its end.
class InboxBody final : public http::BodyStream {
 public:
  // `idle`: between two messages; 0: none.
  InboxBody(std::shared_ptr<Session> session, std::shared_ptr<Inbox> inbox, std::shared_ptr<Posting> posting, std::optional<Inbox::Item> first, const Clock& clock,
            Milliseconds idle)
      : session_(std::move(session)), inbox_(std::move(inbox)), posting_(std::move(posting)), first_(std::move(first)), clock_(clock), idle_(idle) {}
  ~InboxBody() override;
  Task<Result<std::string, http::StreamEnd>> next() override;
  void cancel() override;

 private:
  std::shared_ptr<Session> session_;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<Posting> posting_;
  std::optional<Inbox::Item> first_;
  const Clock& clock_;
  Milliseconds idle_;
  bool is_complete_ = false;
};

// Reads a short body that says nothing to us to its end, so that its connection can be used again; a longer one is broken off.
void discard(std::unique_ptr<http::BodyStream> body);

}  // namespace writ::upstreams::http_sse
