#include "spelling_flags.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "model/config.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

// The flags of the fields that have one: which characters there are, the file says.
constexpr std::array<std::pair<std::string_view, const char*>, 4> kFlags = {{{"units", "spelling-units"},
                                                                             {"embedding", "spelling-embedding"},
                                                                             {"cell", "spelling-cell"},
                                                                             {"word-dropout", "word-dropout"}}};

const char* flag_of(std::string_view name) {
  for (const auto& [field, flag] : kFlags) {
    if (field == name) return flag;
  }
  return nullptr;
}

}  // namespace

void SpellingFlags::add(CLI::App& app, const SpellingConfig& shown) {
  visit_spelling(shown, [&](const char* name, const auto& member, const char* help) {
    const char* flag = flag_of(name);
    if (flag == nullptr) return;
    const std::string text =
        fmt::format("tag: {}{}", help, std::string_view(name) == "units" ? "; 0: no spelling" : "");
    fields.add(app, "Task", {flag, text.c_str()}, member);
  });
}

void SpellingFlags::check(TaskKind kind) const {
  for (const auto& [field, flag] : kFlags) {
    if (kind == TaskKind::tag || !fields.given(flag)) continue;
    refuse_value(fmt::format("--{}", flag), "it with --task tag", "--task " + field_text(kind));
  }
}

void SpellingFlags::apply(SpellingConfig& spelling) const {
  visit_spelling(spelling, [&](const char* name, auto& member, const char*) {
    if (const char* flag = flag_of(name)) fields.apply({flag, ""}, member);
  });
}

}  // namespace sluice::tool
