// sluice completion bash|zsh|fish
#include "shell_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "help.h"
#include "options.h"
#include "terminal.h"
#include "train/options.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

// Every name that some option takes as its value.
std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const CellInfo& cell : cells()) names.emplace_back(cell.name);
  for (const Level level : {Level::word, Level::character, Level::pretokenized}) names.emplace_back(name(level));
  const auto add = [&](const auto& some) { names.insert(names.end(), some.begin(), some.end()); };
  add(choices(Optimizer{}));
  add(choices(Schedule{}));
  add(choices(Precision{}));
  names.insert(names.end(), {"tanh", "relu", "parameters", "hidden", "c"});
  return names;
}

// What an option or argument takes, as far as a shell can know.
enum class Value { none, names, file, folder, other };
struct Choice {
  Value kind = Value::none;
  std::vector<std::string> names;
};

Choice choice_of(const CLI::Option& option) {
  if (!takes_value(option)) return {};
  if (takes_file(option)) return {Value::file, {}};
  const std::string type = type_of(option);
  if (type == "DIR") return {Value::folder, {}};
  // Help lists the names that an option takes, so those of them that are names of ours are found there.
  if (type != "NAME") return {type == "VERB" || type == "SHELL" ? Value::names : Value::other, {}};
  Choice choice = {Value::other, {}};
  const std::vector<std::string> known = known_names();
  std::string word;
  for (const char c : option.get_description() + " ") {
    if (std::string_view(" ,:;()").find(c) == std::string_view::npos) {
      word += c;
      continue;
    }
    const bool ours = std::find(known.begin(), known.end(), word) != known.end();
    if (ours && std::find(choice.names.begin(), choice.names.end(), word) == choice.names.end()) {
      choice = {Value::names, choice.names};
      choice.names.push_back(word);
    }
    word.clear();
  }
  return choice;
}

// With the names of verbs and shells, which stand in the program and not in help.
Choice choice_of(const CLI::Option& option, const CLI::App& app) {
  Choice choice = choice_of(option);
  if (option.nonpositional() || choice.kind != Value::names) return choice;
  if (option.get_name() == "SHELL") choice.names = {"bash", "zsh", "fish"};
  if (option.get_name() == "VERB") {
    for (const CLI::App* verb : verbs_of(app)) choice.names.push_back(verb->get_name());
  }
  return choice;
}

std::string join(const std::vector<std::string>& words, std::string_view between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<const CLI::Option*> shown_options(const CLI::App& app, bool arguments) {
  std::vector<const CLI::Option*> options;
  for (const OptionGroup& group : option_groups(app)) {
    for (const CLI::Option* option : group.options) {
      if (option->nonpositional() != arguments) options.push_back(option);
    }
  }
  return options;
}

std::string verb_list(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs_of(app)) names.push_back(verb->get_name());
  return join(names);
}

std::string option_list(const CLI::App& app) {
  std::vector<std::string> all;
  for (const CLI::Option* option : shown_options(app, false)) {
    for (const std::string& one : names_of(*option)) all.push_back(one);
  }
  return join(all);
}

// --- bash -----------------------------------------------------------------------------------------------------------

std::string bash_action(const Choice& choice) {
  if (choice.kind == Value::names) return fmt::format("words='{}'", join(choice.names));
  if (choice.kind == Value::file) return "files=-f";
  if (choice.kind == Value::folder) return "files=-d";
  return ":";
}

std::string bash_verb(const CLI::App& verb, const CLI::App& app) {
  std::string script = fmt::format("    {})\n      case $previous in\n", verb.get_name());
  for (const CLI::Option* option : shown_options(verb, false)) {
    if (takes_value(*option)) {
      script += fmt::format("        {}) {} ;;\n", join(names_of(*option), "|"), bash_action(choice_of(*option, app)));
    }
  }
  std::string otherwise;
  for (const CLI::Option* argument : shown_options(verb, true)) {
    const Choice choice = choice_of(*argument, app);
    if (choice.kind != Value::other) otherwise = bash_action(choice);
  }
  script += fmt::format("        *)\n          if [[ $current == -* ]]; then words='{}'; else {}; fi\n          ;;\n",
                        option_list(verb), otherwise.empty() ? ":" : otherwise);
  return script + "      esac\n      ;;\n";
}

std::string bash_script(const CLI::App& app) {
  std::string script = R"(# Completion of sluice for bash: source <(sluice completion bash)
_sluice() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb= words= files= i
  # Bash takes --option=value apart.
  if [[ $current == '=' ]]; then
    current=
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      verb=${COMP_WORDS[i]}
      break
    fi
  done
  case $verb in
    '') words=')" + verb_list(app) +
                       " " + option_list(app) + "' ;;\n";
  for (const CLI::App* verb : verbs_of(app)) script += bash_verb(*verb, app);
  return script + R"(  esac
  COMPREPLY=()
  if [[ $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  elif [[ $files ]]; then
    mapfile -t COMPREPLY < <(compgen "$files" -- "$current")
    compopt -o filenames 2>/dev/null || true
  fi
}
complete -F _sluice sluice
)";
}

// --- zsh ------------------------------------------------------------------------------------------------------------

// Within single quotes, in a description of _arguments: its own signs are \[, \], \: and \\.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
      continue;
    }
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const Choice& choice) {
  if (choice.kind == Value::names) return fmt::format("({})", join(choice.names));
  if (choice.kind == Value::file) return "_files";
  if (choice.kind == Value::folder) return "_files -/";
  return " ";
}

std::string zsh_option(const CLI::Option& option, const CLI::App& app) {
  std::string value;
  if (takes_value(option)) {
    value = fmt::format(":{}:{}", zsh_text(option.get_type_name()), zsh_action(choice_of(option, app)));
  }
  std::string lines;
  const std::vector<std::string> names = names_of(option);
  // Whoever gave one name is not offered the others, unless it may stand several times.
  const bool several = option.get_items_expected_max() > 1;
  for (const std::string& one : names) {
    const std::string mark = !takes_value(option) ? "" : one.starts_with("--") ? "=" : "+";
    lines += fmt::format(" \\\n        '{}{}{}[{}]{}'", several ? "*" : fmt::format("({})", join(names)), one, mark,
                         zsh_text(option.get_description()), value);
  }
  return lines;
}

std::string zsh_verb(const CLI::App& verb, const CLI::App& app) {
  std::string script = fmt::format("    {})\n      _arguments -S", verb.get_name());
  for (const CLI::Option* option : shown_options(verb, false)) script += zsh_option(*option, app);
  int place = 1;
  for (const CLI::Option* argument : shown_options(verb, true)) {
    const bool several = argument->get_items_expected_max() > 1;
    script += fmt::format(" \\\n        '{}:{}:{}'", several ? "*" : std::to_string(place++),
                          zsh_text(argument->get_name()), zsh_action(choice_of(*argument, app)));
  }
  return script + "\n      ;;\n";
}

std::string zsh_script(const CLI::App& app) {
  std::string script = R"(#compdef sluice
# Completion of sluice for zsh: source <(sluice completion zsh), or this file as _sluice in a folder of $fpath.
_sluice() {
  local -a verbs
  if ((CURRENT == 2)); then
    verbs=(
)";
  for (const CLI::App* verb : verbs_of(app)) {
    script += fmt::format("      '{}:{}'\n", verb->get_name(), zsh_text(verb->get_description()));
  }
  script += "    )\n    _describe verb verbs\n    _arguments -S";
  for (const CLI::Option* option : shown_options(app, false)) script += zsh_option(*option, app);
  script += R"(
    return
  fi
  local verb=$words[2]
  words=("${(@)words[2,-1]}")
  ((--CURRENT))
  case $verb in
)";
  for (const CLI::App* verb : verbs_of(app)) script += zsh_verb(*verb, app);
  return script + R"(  esac
}
if [[ ${funcstack[1]} == _sluice ]]; then
  _sluice "$@"
else
  compdef _sluice sluice
fi
)";
}

// --- fish -----------------------------------------------------------------------------------------------------------

std::string fish_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish_value(const Choice& choice) {
  if (choice.kind == Value::names) return fmt::format(" -x -a '{}'", join(choice.names));
  if (choice.kind == Value::file) return " -r -F";
  if (choice.kind == Value::folder) return " -x -a '(__fish_complete_directories)'";
  return " -x";
}

std::string fish_options(const CLI::App& place, const std::string& where, const CLI::App& app) {
  std::string script;
  for (const CLI::Option* option : shown_options(place, false)) {
    std::string line = where;
    for (const std::string& one : names_of(*option)) {
      line += one.starts_with("--") ? fmt::format(" -l {}", one.substr(2)) : fmt::format(" -s {}", one.substr(1));
    }
    if (takes_value(*option)) line += fish_value(choice_of(*option, app));
    script += fmt::format("{} -d '{}'\n", line, fish_text(option->get_description()));
  }
  return script;
}

std::string fish_script(const CLI::App& app) {
  std::string script = R"(# Completion of sluice for fish: sluice completion fish | source
complete -c sluice -f
)";
  const std::string first = "complete -c sluice -n __fish_use_subcommand";
  for (const CLI::App* verb : verbs_of(app)) {
    script += fmt::format("{} -a {} -d '{}'\n", first, verb->get_name(), fish_text(verb->get_description()));
  }
  script += fish_options(app, first, app);
  for (const CLI::App* verb : verbs_of(app)) {
    const std::string where = fmt::format("complete -c sluice -n '__fish_seen_subcommand_from {}'", verb->get_name());
    for (const CLI::Option* argument : shown_options(*verb, true)) {
      const Choice choice = choice_of(*argument, app);
      if (choice.kind == Value::file || choice.kind == Value::folder) script += where + " -F\n";
      if (choice.kind == Value::names) script += fmt::format("{} -a '{}'\n", where, join(choice.names));
    }
    script += fish_options(*verb, where, app);
  }
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  if (shell == "bash") return bash_script(app);
  if (shell == "zsh") return zsh_script(app);
  if (shell == "fish") return fish_script(app);
  throw Error(Status::usage, fmt::format("SHELL: expected bash, zsh or fish, found '{}'", shell));
}

Action add_completion(CLI::App& app, const Invocation&) {
  const auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")->required();
  return [shell, &app] {
    print(completion_script(*app.get_parent(), *shell));
    return 0;
  };
}

}  // namespace sluice::tool
