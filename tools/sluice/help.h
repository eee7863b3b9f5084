// What --help prints.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sluice::tool {

// The group of options that help leaves out: other names of options. (CLI11 hides those of the group "" as well, but
// then does not name them in messages.)
inline constexpr const char* kHidden = "hidden";

std::string help_page(const CLI::App& app);

}  // namespace sluice::tool
