// Completion of the command line, as scripts for shells, written from the parser's own description.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace sluice::tool {

// Of the whole command, for "bash", "zsh" or "fish". Throws Error (usage) that names the shells.
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace sluice::tool
