// What a mistyped command line gets: one sentence, with the name that was probably meant.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tool {

// "; did you mean 'train'?", or nothing where no name is near.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names);

// One sentence for what the parser did not understand.
std::string sentence(const CLI::ParseError& error, const CLI::App& app);

}  // namespace sluice::tool
