// Text from a file made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// At most 60 bytes, control characters escaped, in quotes.
std::string shown(std::string_view text);

}  // namespace sluice
