// sluice gates MODEL TEXT
#include <algorithm>
#include <memory>

#include "explain/facts.h"
#include "gates_view.h"
#include "input.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "tasks/task.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Gates {
  Invocation typed;
  std::string model;
  std::vector<std::string> words;
  bool units = false;
  ResultFlags result;

  int run() const;
};

int Gates::run() const {
  result.check();
  const Model network = load_for("gates", model);
  const Task task = task_of(network, model);
  const std::string text = text_argument(words, network.vocabulary().text().lossy);
  const GatesOfText gates =
      task.kind == TaskKind::language ? read_gates(network, text) : read_gates(network, task, text);
  const auto view = [&](const Style& style) { return units ? draw_units(style, gates) : draw_gates(style, gates); };
  show(result, view, [&] { return to_json(gates); });
  flush();
  Console console(result.json);
  const std::vector<std::string> unknown = unknown_words(gates);
  say_unknown(console, unit_name(network), unknown,
              std::none_of(gates.known.begin(), gates.known.end(), [](bool known) { return known; }));
  draw_picture(result, typed.line(typed.program, {"--svg"}, {"--force"}), view);
  return 0;
}

}  // namespace

Action add_gates(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Gates>();
  verb->typed = typed;
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("TEXT", verb->words, "the text to read; - is standard input")->required();
  app.add_flag("--units", verb->units, "every unit instead of their mean");
  verb->result.add(app);
  verb->result.add_picture(app);
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
