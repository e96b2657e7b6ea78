#pragma once

// Little-endian integers in the log's files.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace writ::log {

template <class Integer>
void put(std::string& out, Integer value) {
  char bytes[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  out.append(bytes, sizeof bytes);
}

// Precondition: bytes.size() >= at + sizeof(Integer).
template <class Integer>
Integer get(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return static_cast<Integer>(value);
}

template <class Array>
std::string_view view_of(const Array& array) {
  return {reinterpret_cast<const char*>(array.data()), array.size()};
}

template <class Array>
Array array_at(std::string_view bytes, std::size_t at) {
  Array array;
  std::memcpy(array.data(), bytes.data() + at, array.size());
  return array;
}

std::string to_hex(std::string_view bytes);

}  // namespace writ::log
