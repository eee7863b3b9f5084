// The manual page, written from the parser's own description of the command.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sluice::tool {

// sluice(1) in the macros of man(7).
std::string manual_page(const CLI::App& app);

}  // namespace sluice::tool
