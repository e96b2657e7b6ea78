#include "demo_server/notes.h"

#include <algorithm>

namespace writ::demo_server {
namespace {

std::string lower(std::string_view text) {
  std::string all(text);
  std::transform(all.begin(), all.end(), all.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return all;
}

}  // namespace

Notes::Notes() {
  add("Onboarding", "Ask for a laptop on day one; the badge is at the front desk.");
  add("Quarter plan", "Ship the gateway, then the console. Budget review on the 14th.");
  add("Offsite", "Two days in October. Hotel list with Dana.");
}

std::vector<Note> Notes::search(std::string_view words) const {
  const std::string wanted = lower(words);
  std::vector<Note> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, note] : notes_) {
    if (lower(note.title).find(wanted) != std::string::npos || lower(note.text).find(wanted) != std::string::npos) found.push_back(note);
  }
  return found;
}

std::optional<Note> Notes::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = notes_.find(id);
  return found == notes_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Note> Notes::add(std::string title, std::string text) {
  const std::lock_guard lock(mutex_);
  if (notes_.size() >= kNotesMax) return std::nullopt;
  Note note{"note-" + std::to_string(next_++), std::move(title), std::move(text)};
  notes_.emplace(note.id, note);
  return note;
}

bool Notes::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return notes_.erase(id) > 0;
}

}  // namespace writ::demo_server
