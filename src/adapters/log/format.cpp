#include "adapters/log/format.h"

#include <cassert>

#include "adapters/log/bytes.h"

namespace writ::log {
namespace {

constexpr std::string_view kSegmentMagic = "WRITAUD1";
constexpr std::uint32_t kGroupMagic = 0x50524757;   // "WGRP"
constexpr std::size_t kNodeBytes = 64;

std::string encode(const GroupHeader& header) {
  std::string out;
  out.reserve(kGroupHeaderBytes);
  put(out, kGroupMagic);
  put(out, header.size);
  put(out, header.first_position);
  put(out, header.entries);
  put(out, header.claims);
  put(out, header.synced);
  put(out, header.journal);
  put(out, static_cast<std::uint32_t>(header.kind));
  put(out, header.journal_index);
  put(out, header.time_ms);
  put(out, header.number);
  assert(out.size() == kGroupHeaderBytes);
  return out;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    out += kDigits[static_cast<unsigned char>(byte) >> 4];
    out += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

std::string encode(const SegmentHeader& header) {
  std::string out(kSegmentMagic);
  put(out, header.version);
  put(out, static_cast<std::uint32_t>(kSegmentHeaderBytes));
  out += view_of(header.log_id);
  put(out, header.number);
  put(out, header.first_position);
  put(out, header.first_group);
  out += view_of(header.previous);
  put(out, header.created_ms);
  put(out, header.journal);
  put(out, header.journal_index);
  std::string node = header.node.substr(0, kNodeBytes - 1);
  out += static_cast<char>(node.size());
  node.resize(kNodeBytes - 1, '\0');
  out += node;
  out += crypto::sha256_bytes(out);
  assert(out.size() == kSegmentHeaderBytes);
  return out;
}

std::string_view to_string(HeaderProblem problem) {
  switch (problem) {
    case HeaderProblem::not_a_segment: return "it is no audit segment";
    case HeaderProblem::unknown_version: return "it was written by a newer version of Writ, in a format that this one cannot read";
    case HeaderProblem::damaged: return "its header is damaged";
  }
  return "";
}

std::optional<HeaderProblem> decode(std::string_view bytes, SegmentHeader& header) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) return HeaderProblem::not_a_segment;
  header.version = get<std::uint32_t>(bytes, 8);
  if (header.version != kFormatVersion) return HeaderProblem::unknown_version;
  const std::size_t hashed = kSegmentHeaderBytes - kLinkBytes;
  if (crypto::sha256_bytes(bytes.substr(0, hashed)) != bytes.substr(hashed, kLinkBytes)) return HeaderProblem::damaged;
  header.log_id = array_at<LogId>(bytes, 16);
  header.number = get<std::uint64_t>(bytes, 32);
  header.first_position = get<std::uint64_t>(bytes, 40);
  header.first_group = get<std::uint64_t>(bytes, 48);
  header.previous = array_at<Link>(bytes, 56);
  header.created_ms = get<std::int64_t>(bytes, 88);
  header.journal = get<std::uint32_t>(bytes, 96);
  header.journal_index = get<std::uint32_t>(bytes, 100);
  const auto node_bytes = static_cast<unsigned char>(bytes[104]);
  if (node_bytes >= kNodeBytes) return HeaderProblem::damaged;
  header.node = bytes.substr(105, node_bytes);
  return std::nullopt;
}

Link link_of_entry(const Link& previous, GroupHeader::Kind kind, std::uint64_t position, std::string_view text) {
  std::string hashed;
  hashed.reserve(kLinkBytes + 9 + text.size());
  hashed += view_of(previous);
  hashed += kind == GroupHeader::Kind::checkpoint ? 'C' : 'R';
  put(hashed, position);
  hashed += text;
  return crypto::sha256(hashed);
}

Link link_of_group(const Link& previous, std::string_view header_bytes, std::string_view claims) {
  std::string hashed(view_of(previous));
  hashed += 'G';
  hashed += header_bytes;
  hashed += view_of(crypto::sha256(claims));
  return crypto::sha256(hashed);
}

GroupWriter::GroupWriter(GroupHeader header, std::string_view claims, Link previous) : header_(header), claims_bytes_(claims.size()), link_(previous) {
  header_.entries = 0;
  header_.claims = static_cast<std::uint32_t>(claims.size() / kClaimBytes);
  bytes_.assign(kGroupHeaderBytes, '\0');   // its size and number of entries are known at the end
  bytes_ += claims;
}

void GroupWriter::add(std::string_view text) {
  const std::uint64_t position = header_.first_position + header_.entries++;
  link_ = link_of_entry(link_, header_.kind, position, text);
  put(bytes_, static_cast<std::uint32_t>(text.size()));
  bytes_ += text;
  bytes_ += view_of(link_);
}

std::string GroupWriter::finish(Link& link) && {
  header_.size = static_cast<std::uint32_t>(bytes_.size() + kLinkBytes);
  const std::string header = encode(header_);
  bytes_.replace(0, kGroupHeaderBytes, header);
  link = link_of_group(link_, header, std::string_view(bytes_).substr(kGroupHeaderBytes, claims_bytes_));
  bytes_ += view_of(link);
  return std::move(bytes_);
}

std::optional<Group> parse_group(std::string_view bytes) {
  if (bytes.size() < kGroupHeaderBytes + kLinkBytes || get<std::uint32_t>(bytes, 0) != kGroupMagic) return std::nullopt;
  Group group;
  GroupHeader& header = group.header;
  header.size = get<std::uint32_t>(bytes, 4);
  header.first_position = get<std::uint64_t>(bytes, 8);
  header.entries = get<std::uint32_t>(bytes, 16);
  header.claims = get<std::uint32_t>(bytes, 20);
  header.synced = get<std::uint64_t>(bytes, 24);
  header.journal = get<std::uint32_t>(bytes, 32);
  const auto kind = get<std::uint32_t>(bytes, 36);
  header.kind = static_cast<GroupHeader::Kind>(kind);
  header.journal_index = get<std::uint64_t>(bytes, 40);
  header.time_ms = get<std::int64_t>(bytes, 48);
  header.number = get<std::uint64_t>(bytes, 56);
  if (kind != 1 && kind != 2) return std::nullopt;
  if (header.size > bytes.size() || header.size > kGroupBytesMax || header.entries == 0) return std::nullopt;
  const std::uint64_t least = kGroupHeaderBytes + std::uint64_t{header.claims} * kClaimBytes + std::uint64_t{header.entries} * kEntryOverheadBytes + kLinkBytes;
  if (header.size < least) return std::nullopt;

  group.header_bytes = bytes.substr(0, kGroupHeaderBytes);
  group.claims = bytes.substr(kGroupHeaderBytes, header.claims * kClaimBytes);
  const std::size_t end = header.size - kLinkBytes;
  std::size_t at = kGroupHeaderBytes + group.claims.size();
  group.entries.reserve(header.entries);
  for (std::uint32_t i = 0; i < header.entries; ++i) {
    if (at + kEntryOverheadBytes > end) return std::nullopt;
    const auto length = get<std::uint32_t>(bytes, at);
    if (length > end - at - kEntryOverheadBytes) return std::nullopt;
    group.entries.push_back({header.first_position + i, bytes.substr(at + 4, length), array_at<Link>(bytes, at + 4 + length)});
    at += kEntryOverheadBytes + length;
  }
  if (at != end) return std::nullopt;
  group.link = array_at<Link>(bytes, end);
  return group;
}

bool closes(const Group& group) { return link_of_group(group.entries.back().link, group.header_bytes, group.claims) == group.link; }

std::optional<std::size_t> first_broken_link(const Group& group, Link previous) {
  for (std::size_t i = 0; i < group.entries.size(); ++i) {
    const Entry& entry = group.entries[i];
    if (link_of_entry(previous, group.header.kind, entry.position, entry.text) != entry.link) return i;
    previous = entry.link;
  }
  if (!closes(group)) return group.entries.size();
  return std::nullopt;
}

}  // namespace writ::log
