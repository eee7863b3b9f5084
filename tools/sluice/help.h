// What --help prints.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sluice::tool {

std::string help_page(const CLI::App& app);

}  // namespace sluice::tool
