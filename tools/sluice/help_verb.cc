// sluice help [VERB]
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "help.h"
#include "manual.h"
#include "mistakes.h"
#include "options.h"
#include "terminal.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Help {
  std::string verb;
  bool manual = false;

  int run(const CLI::App& app) const;
};

int Help::run(const CLI::App& app) const {
  if (manual) {
    expect(verb.empty(), "VERB", "none beside --man", verb);
    print(manual_page(app));
    return 0;
  }
  if (verb.empty()) {
    print(help_page(app));
    return 0;
  }
  std::vector<std::string> names;
  for (const CLI::App* one : verbs_of(app)) {
    names.push_back(one->get_name());
    if (names.back() != verb) continue;
    print(help_page(*one));
    return 0;
  }
  throw Error(Status::usage,
              fmt::format("unknown verb '{}'{} (see sluice --help)", printable(verb), did_you_mean(verb, names)));
}

}  // namespace

Action add_help(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Help>();
  app.add_option("VERB", verb->verb, "the verb to explain; without it, all of them in a line each");
  app.add_flag("--man", verb->manual, "the whole command as a manual page, in roff, for man");
  return [verb, &app] { return verb->run(*app.get_parent()); };
}

}  // namespace sluice::tool
