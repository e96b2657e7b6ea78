#include "adapters/yaml/yaml.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

namespace writ::yaml {
namespace {

using registry::Node;
using registry::Position;
using registry::Problem;
using registry::Problems;

// Thrown through yaml-cpp's parser to end it early; caught in parse().
struct Stop {
  Problem problem;
};

bool parse_integer(std::string_view text, std::int64_t& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && problem == std::errc{} && end == text.data() + text.size();
}

bool parse_number(std::string_view text, double& value) {
  if (text.size() > 32) return false;   // a hash in hexadecimal that happens to have digits only
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos || text.find_first_of("0123456789") == std::string_view::npos) return false;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

// The core schema of YAML 1.2 §10.3.2, without octal and hexadecimal numbers: a leading zero makes text (telephone numbers, ids).
void resolve_plain(Node& node) {
  const std::string& text = node.text;
  const std::string_view digits = std::string_view(text).substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] != '.';
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    node.kind = Node::Kind::null;
  } else if (text == "true" || text == "True" || text == "TRUE" || text == "false" || text == "False" || text == "FALSE") {
    node.kind = Node::Kind::boolean;
    node.boolean = text[0] == 't' || text[0] == 'T';
  } else if (!leading_zero && parse_integer(text, node.integer)) {
    node.kind = Node::Kind::integer;
  } else if (!leading_zero && parse_number(text, node.number)) {
    node.kind = Node::Kind::number;
  } else {
    node.kind = Node::Kind::text;
  }
}

std::size_t count(const Node& node) {
  std::size_t nodes = 1;
  for (const Node& item : node.items) nodes += count(item);
  for (const auto& entry : node.entries) nodes += count(entry.value);
  return nodes;
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string file, const Limits& limits) : file_(std::move(file)), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    Node node = make(mark);
    node.text = value;
    if (tag == "?") {
      resolve_plain(node);
    } else if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      node.kind = Node::Kind::text;
    } else {
      stop(node.at, "the tag `" + tag.substr(0, 60) + "` is not understood: write the value without a tag");
    }
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = make(mark);
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) stop(node.at, "an alias may not stand inside what it names");
    if (++aliases_ > limits_.aliases_max) stop(node.at, "more than " + std::to_string(limits_.aliases_max) + " aliases");
    nodes_ += count(found->second);
    check_size(node.at);
    const Position at = node.at;
    node = found->second;
    node.at = at;
    add(std::move(node), YAML::NullAnchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

  Node take() { return std::move(root_); }
  Problems& problems() { return problems_; }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    bool has_key = false;
    std::string key;
    Position key_at;
  };

  [[noreturn]] static void stop(Position at, std::string message) { throw Stop{{std::move(at), std::move(message)}}; }

  Node make(const YAML::Mark& mark) const {
    Node node;
    node.at = {file_, mark.line + 1, mark.column + 1};
    return node;
  }

  void check_size(const Position& at) const {
    if (nodes_ > limits_.nodes_max) stop(at, "the document has more than " + std::to_string(limits_.nodes_max) + " parts");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    Node node = make(mark);
    node.kind = kind;
    if (tag != "?" && tag != "!" && !tag.empty()) stop(node.at, "the tag `" + tag.substr(0, 60) + "` is not understood: write the value without a tag");
    if (open_.size() >= limits_.depth_max) stop(node.at, "nested deeper than " + std::to_string(limits_.depth_max));
    open_.push_back({std::move(node), anchor, false, {}, {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    ++nodes_;
    check_size(node.at);
    if (anchor != YAML::NullAnchor) anchored_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      add_key(parent, node);
    } else {
      parent.has_key = false;
      // Of two equal keys some readers take the first and some the last: nobody knows which rule holds.
      if (const Node::Entry* first = entry(parent.node, parent.key)) {
        problems_.push_back({parent.key_at, "`" + parent.key.substr(0, 80) + "` is written twice: first in line " + std::to_string(first->at.line)});
      } else {
        parent.node.entries.push_back({parent.key, parent.key_at, std::move(node)});
      }
    }
  }

  static const Node::Entry* entry(const Node& node, const std::string& name) {
    for (const auto& candidate : node.entries) {
      if (candidate.name == name) return &candidate;
    }
    return nullptr;
  }

  static void add_key(Open& parent, const Node& node) {
    if (node.kind == Node::Kind::list || node.kind == Node::Kind::mapping) stop(node.at, "a key must be a single word");
    if (node.text == "<<") stop(node.at, "merge keys are not understood: write the members out, or use an alias for the whole value");
    parent.has_key = true;
    parent.key = node.text;
    parent.key_at = node.at;
  }

  std::string file_;
  const Limits& limits_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchored_;
  std::size_t nodes_ = 0, aliases_ = 0;
  Node root_;
  Problems problems_;
};

}  // namespace

Result<Node, Problems> parse(std::string_view text, std::string file, const Limits& limits) {
  if (text.size() > limits.bytes_max) return unexpected(Problems{{{file, 1, 1}, "larger than " + std::to_string(limits.bytes_max) + " bytes"}});
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(file, limits);
    Node root;
    root.at = {file, 1, 1};
    if (parser.HandleNextDocument(builder)) root = builder.take();
    Builder second(file, limits);
    if (parser.HandleNextDocument(second)) {
      builder.problems().push_back({second.take().at, "a second document in one file: write it into a file of its own"});
    }
    if (!builder.problems().empty()) return unexpected(std::move(builder.problems()));
    return root;
  } catch (const Stop& stopped) {
    return unexpected(Problems{stopped.problem});
  } catch (const YAML::Exception& exception) {
    return unexpected(Problems{{{file, exception.mark.line + 1, exception.mark.column + 1}, "no valid YAML: " + exception.msg}});
  }
}

}  // namespace writ::yaml
