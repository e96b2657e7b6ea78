#pragma once

// Reads some members of one flat JSON object after another, without building values: for going through millions of records of our own. What others
// send is read by json::parse, which refuses what is doubtful.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace writ::json {

class MemberReader {
 public:
  // The members by name; quickest when they are named in the order of the text. The names outlive the reader.
  explicit MemberReader(std::vector<std::string_view> names);
  ~MemberReader();
  MemberReader(const MemberReader&) = delete;
  MemberReader& operator=(const MemberReader&) = delete;

  // False: the text is no JSON object. What it gave before is then gone.
  bool read(std::string_view text);

  // By the number of the name; until the next read(). Empty when absent or of another type.
  std::string_view text(std::size_t name) const { return texts_[name]; }
  std::optional<std::int64_t> integer(std::size_t name) const { return has_integer_[name] ? std::optional(integers_[name]) : std::nullopt; }
  // The JSON text of a member that is an object or an array; empty else.
  std::string json(std::size_t name) const;

 private:
  struct Parser;
  static std::size_t mark_of(std::string_view name);

  std::unique_ptr<Parser> parser_;
  std::vector<std::string_view> names_, texts_;
  std::vector<std::int64_t> integers_;
  std::vector<char> has_integer_;
  std::array<bool, 1024> is_marked_{};
};

}  // namespace writ::json
