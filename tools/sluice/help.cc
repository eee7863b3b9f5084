#include "help.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "terminal.h"

namespace sluice::tool {
namespace {

struct HelpRow {
  std::string left, right;
};

// Two columns; what stands on the right is wrapped under itself.
std::string table(const std::vector<HelpRow>& rows, std::size_t left, const Style& style) {
  const std::size_t room = std::max<std::size_t>(24, style.width > left + 5 ? style.width - left - 5 : 0);
  std::string page;
  for (const HelpRow& row : rows) {
    std::string margin = "  " + pad_right(style.bold(row.left), left);
    for (const std::string& line : wrapped(row.right, room)) {
      page += fmt::format("{}  {}\n", margin, line);
      margin = std::string(left + 2, ' ');
    }
  }
  return page;
}

}  // namespace

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  if (!option.nonpositional()) return names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) { return option.get_type_size() > 0; }

std::string type_of(const CLI::Option& option) {
  return option.nonpositional() ? option.get_type_name() : option.get_name();
}

bool takes_file(const CLI::Option& option) {
  const std::string type = type_of(option);
  return takes_value(option) && (type == "FILE" || type == "MODEL");
}

std::vector<std::string> shown_names(const CLI::Option& option) {
  const std::vector<std::string> names = names_of(option);
  const auto known = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (name.starts_with("--no-") && known("--" + name.substr(5))) continue;  // said with the name that it denies
    const bool denied = name.starts_with("--") && known("--no-" + name.substr(2));
    shown.push_back(denied ? "--[no-]" + name.substr(2) : name);
  }
  return shown;
}

std::string left_of(const CLI::Option& option) {
  if (!option.nonpositional()) return option.get_name();
  std::string left;
  for (const std::string& name : shown_names(option)) left += (left.empty() ? "" : ", ") + name;
  return takes_value(option) ? left + " " + option.get_type_name() : left;
}

std::string right_of(const CLI::Option& option) {
  const std::string value = option.get_default_str();
  return value.empty() ? option.get_description() : fmt::format("{} [{}]", option.get_description(), value);
}

std::string usage(const CLI::App& app) {
  std::string line = "sluice";
  if (app.get_parent() == nullptr) return line + " VERB [options]";
  line += " " + app.get_name();
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return !o->nonpositional(); })) {
    line += option->get_required() ? " " + option->get_name() : " [" + option->get_name() + "]";
  }
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->nonpositional(); })) {
    if (!option->get_required()) continue;
    const std::string left = left_of(*option);
    const std::size_t comma = left.find(',');
    line += " " + (comma == std::string::npos ? left : left.substr(0, comma) + " " + option->get_type_name());
  }
  return line + " [options]";
}

std::vector<OptionGroup> option_groups(const CLI::App& app) {
  std::vector<OptionGroup> groups;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || option->get_group() == kHidden) continue;
    const std::string title = option->nonpositional() ? option->get_group() : "Arguments";
    auto found = std::find_if(groups.begin(), groups.end(), [&](const OptionGroup& g) { return g.title == title; });
    if (found == groups.end()) found = groups.insert(groups.end(), {title, {}});
    found->options.push_back(option);
  }
  const auto rank = [](const OptionGroup& g) { return g.title == "Arguments" ? 0 : g.title == "Options" ? 1 : 2; };
  std::stable_sort(groups.begin(), groups.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return groups;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string help_page(const CLI::App& app) {
  const Style style = style_of(1);
  std::string page;
  for (const std::string& line : wrapped(app.get_description(), style.width - 1)) page += line + "\n";
  page += fmt::format("\n{}\n  {}\n", style.colour("Usage", colours::amber), usage(app));

  std::vector<HelpRow> rows;
  for (const CLI::App* verb : verbs_of(app)) rows.push_back({verb->get_name(), verb->get_description()});
  std::size_t left = 0;
  for (const HelpRow& row : rows) left = std::max(left, columns(row.left));
  if (!rows.empty()) page += fmt::format("\n{}\n{}", style.colour("Verbs", colours::amber), table(rows, left, style));

  std::vector<std::pair<std::string, std::vector<HelpRow>>> groups;
  for (const OptionGroup& group : option_groups(app)) {
    groups.push_back({group.title, {}});
    for (const CLI::Option* option : group.options) {
      groups.back().second.push_back({left_of(*option), right_of(*option)});
      left = std::max(left, columns(groups.back().second.back().left));
    }
  }
  for (const auto& [group, options] : groups) {
    page += fmt::format("\n{}\n{}", style.colour(group, colours::amber), table(options, left, style));
  }
  if (!app.get_footer().empty()) {
    page += fmt::format("\n{}\n  {}\n", style.colour("Example", colours::amber), app.get_footer());
  }
  return page;
}

}  // namespace sluice::tool
