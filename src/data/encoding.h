// Texts in another encoding than UTF-8, as far as their bytes show it: the refusal names the encoding and what converts
// it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

// Throws Error (bad_file), with `name` in front, where `start`, the first bytes of a text, has the mark of UTF-16 or
// UTF-32, or NUL bytes in quantity. A NUL here and there is a character like another.
void refuse_other_encoding(std::string_view start, const std::string& name);

// What a sentence that refuses an invalid byte goes on with; `at` is the byte's place in `text`.
std::string advice_on_invalid(std::string_view text, std::size_t at);

}  // namespace sluice
