// Untrusted JSON as a tree of bounded depth and size, for whoever wants any shape of it. Everybody else derives a
// reader from JsonReader, and nobody calls nlohmann's parser: its trees are as deep as the text says, and what walks
// through them (dump(), our own functions) would use up the stack.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sluice {

inline constexpr std::size_t most_json_depth = 64;

// Throws Error (bad_file): broken JSON, more than `most` bytes, more than most_json_depth arrays and objects within
// each other, more than 256 names in an object, a name twice in one.
nlohmann::ordered_json read_json(std::string_view text, const std::string& where,
                                 std::size_t most = std::size_t{1} << 16);

}  // namespace sluice
