// What the parser's description of the command says: for --help, for the manual page and for shells.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace sluice::tool {

// The group of options that help leaves out: other names of options. (CLI11 hides those of the group "" as well, but
// then does not name them in messages.)
inline constexpr const char* kHidden = "hidden";

// As they are typed: "-o", "--output". None for an argument.
std::vector<std::string> names_of(const CLI::Option& option);
// The same for people: a flag and its denial as one, "--[no-]tied".
std::vector<std::string> shown_names(const CLI::Option& option);
// Whether it takes a value.
bool takes_value(const CLI::Option& option);
// The name of what it takes or, of an argument, of what it is: "FILE".
std::string type_of(const CLI::Option& option);
bool takes_file(const CLI::Option& option);
// What stands on the left in help, "-o, --output MODEL", and on the right.
std::string left_of(const CLI::Option& option);
std::string right_of(const CLI::Option& option);
// "sluice train FILE -o MODEL [options]".
std::string usage(const CLI::App& app);

struct OptionGroup {
  std::string title;
  std::vector<const CLI::Option*> options;
};
// What people are shown, arguments first, then what every verb has, then the rest.
std::vector<OptionGroup> option_groups(const CLI::App& app);
// In the order in which help lists them.
std::vector<const CLI::App*> verbs_of(const CLI::App& app);

std::string help_page(const CLI::App& app);

}  // namespace sluice::tool
