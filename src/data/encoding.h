// Texts in another encoding than UTF-8, as far as their bytes show it: the refusal names the encoding and what converts
// it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

// Throws Error (bad_file), with `name` in front, where `start`, the first bytes of a text, has the mark of UTF-16 or
// UTF-32, NUL bytes in quantity, or the same control character in every other place, as UTF-16 has in some scripts. A
// NUL here and there is a character like another. `lossy`: nobody will refuse what is invalid later, so a text that has
// much of it and looks like UTF-16 is refused here.
void refuse_other_encoding(std::string_view start, const std::string& name, bool lossy);

// Which share of the bytes a lossy reading replaces.
double invalid_share(std::string_view text);

// What a sentence that refuses an invalid byte goes on with; `at` is the byte's place in `text`.
std::string advice_on_invalid(std::string_view text, std::size_t at);

}  // namespace sluice
