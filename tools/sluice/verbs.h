// The verbs of the command. Each adds its flags to a subcommand and gives what to do when it is chosen; the number that
// returns is the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace sluice::tool {

// What was typed.
struct Invocation {
  std::string program;                 // as the shell found it: "build/sluice"
  std::vector<std::string> arguments;  // without the program

  // The line again, under another program name, without some flags; `with_value` ones take their value along.
  std::string line(const std::string& name, const std::vector<std::string>& with_value,
                   const std::vector<std::string>& alone = {}) const;
};

using Action = std::function<int()>;

Action add_train(CLI::App& app, const Invocation& typed);
Action add_predict(CLI::App& app, const Invocation& typed);
Action add_complete(CLI::App& app, const Invocation& typed);
Action add_gates(CLI::App& app, const Invocation& typed);
Action add_explain(CLI::App& app, const Invocation& typed);
Action add_units(CLI::App& app, const Invocation& typed);
Action add_serve(CLI::App& app, const Invocation& typed);
Action add_eval(CLI::App& app, const Invocation& typed);
Action add_compare(CLI::App& app, const Invocation& typed);
Action add_info(CLI::App& app, const Invocation& typed);
Action add_import(CLI::App& app, const Invocation& typed);
Action add_export(CLI::App& app, const Invocation& typed);
Action add_bench(CLI::App& app, const Invocation& typed);
Action add_demo(CLI::App& app, const Invocation& typed);
Action add_completion(CLI::App& app, const Invocation& typed);
Action add_help(CLI::App& app, const Invocation& typed);

}  // namespace sluice::tool
