#include "help.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "terminal.h"

namespace sluice::tool {
namespace {

struct Row {
  std::string left, right;
};

std::string left_of(const CLI::Option& option) {
  if (option.nonpositional()) {
    std::string names;
    for (const std::string& name : option.get_snames()) names += "-" + name + ", ";
    const std::vector<std::string>& long_names = option.get_lnames();
    const auto known = [&](const std::string& name) {
      return std::find(long_names.begin(), long_names.end(), name) != long_names.end();
    };
    for (const std::string& name : long_names) {
      if (name.starts_with("no-") && known(name.substr(3))) continue;  // said with the name that it denies
      names += (known("no-" + name) ? "--[no-]" : "--") + name + ", ";
    }
    names.resize(names.size() - 2);
    return option.get_type_size() > 0 ? names + " " + option.get_type_name() : names;
  }
  return option.get_name();
}

std::string right_of(const CLI::Option& option) {
  const std::string value = option.get_default_str();
  return value.empty() ? option.get_description() : fmt::format("{} [{}]", option.get_description(), value);
}

// Two columns; what stands on the right is wrapped under itself.
std::string table(const std::vector<Row>& rows, std::size_t left, const Style& style) {
  const std::size_t room = std::max<std::size_t>(24, style.width > left + 5 ? style.width - left - 5 : 0);
  std::string page;
  for (const Row& row : rows) {
    std::string margin = "  " + pad_right(style.bold(row.left), left);
    for (const std::string& line : wrapped(row.right, room)) {
      page += fmt::format("{}  {}\n", margin, line);
      margin = std::string(left + 2, ' ');
    }
  }
  return page;
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

}  // namespace

std::string help_page(const CLI::App& app) {
  const Style style = style_of(1);
  std::string page;
  for (const std::string& line : wrapped(app.get_description(), style.width - 1)) page += line + "\n";
  page += fmt::format("\n{}\n  {}\n", style.colour("Usage", colours::amber), usage(app));

  std::vector<Row> rows;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    rows.push_back({verb->get_name(), verb->get_footer().empty() ? "" : verb->get_description()});
  }
  std::size_t left = 0;
  for (const Row& row : rows) left = std::max(left, columns(row.left));
  if (!rows.empty()) page += fmt::format("\n{}\n{}", style.colour("Verbs", colours::amber), table(rows, left, style));

  std::vector<std::pair<std::string, std::vector<Row>>> groups;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || option->get_group() == kHidden) continue;
    const std::string group = option->nonpositional() ? option->get_group() : "Arguments";
    auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == group; });
    if (found == groups.end()) found = groups.insert(groups.end(), {group, {}});
    found->second.push_back({left_of(*option), right_of(*option)});
    left = std::max(left, columns(found->second.back().left));
  }
  const auto rank = [](const std::string& group) { return group == "Arguments" ? 0 : group == "Options" ? 1 : 2; };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
  for (const auto& [group, options] : groups) {
    page += fmt::format("\n{}\n{}", style.colour(group, colours::amber), table(options, left, style));
  }
  if (!app.get_footer().empty()) {
    page += fmt::format("\n{}\n  {}\n", style.colour("Example", colours::amber), app.get_footer());
  }
  return page;
}

}  // namespace sluice::tool
