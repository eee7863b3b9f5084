// sluice units MODEL FILE...
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "explain/facts.h"
#include "input.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "unit_corpus.h"
#include "units_view.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Units {
  std::string model;
  std::vector<std::string> files, units;
  std::string layer, with, state = "h", span, threshold;
  std::optional<std::string> like;
  std::uint64_t top = 12, places = 5, threads = 0;
  bool quiet = false;
  ResultFlags result;

  int run() const;
  std::optional<std::size_t> layer_number() const;
  Like find_like(const UnitFinder& finder, const UnitCorpus& text) const;
};

std::optional<std::size_t> Units::layer_number() const {
  if (layer.empty()) return {};
  std::uint64_t number = 0;
  read_value("--layer", layer, number);
  return number;
}

Like Units::find_like(const UnitFinder& finder, const UnitCorpus& text) const {
  expect(text.size() > 0, "--like", fmt::format("at least one {}", unit_name(finder.model())), "none");
  LikeQuestion question;
  question.last = text.size() - 1;
  if (!span.empty()) std::tie(question.first, question.last) = read_span("--span", span);
  question.layer = layer_number();
  question.most = top;
  if (!threshold.empty()) {
    double value = 0;
    read_value("--threshold", threshold, value);
    question.threshold = value;
  }
  return finder.like(text, question);
}

int Units::run() const {
  expect(state == "h" || state == "c", "--state", "h or c", state);
  expect(top >= 1 && top <= 1000, "--top", "1 to 1000", std::to_string(top));
  expect(places <= 1000, "--places", "0 to 1000", std::to_string(places));
  expect(span.empty() || like, "--span", "--like with it", "none");
  expect(threshold.empty() || like, "--threshold", "--like with it", "none");
  const std::optional<std::size_t> only = layer_number();
  std::vector<Unit> listed;
  for (const std::string& unit : units) listed.push_back(read_unit(unit));
  UnitsJson shown{.name = model_name(model), .layer = only, .places = places};
  if (!listed.empty()) shown.units = listed;
  const Model network = load_for("units", model);
  const Task task = task_of(network, model);
  Console console(quiet || result.json);
  UnitCorpus corpus = read_units_files(network, task, files);
  UnitsOptions options{.state = state == "c" ? std::size_t{1} : 0, .threads = threads};
  const std::size_t size = corpus.size();
  options.go_on = [&](double share) {
    console.progress("reading", share, fmt::format("{} {}s", thousands(size), unit_name(network)));
    return true;
  };
  const UnitFinder finder(network, std::move(corpus), options);
  console.clear();
  // What is wrong in what was asked is said before anything is printed.
  if (listed.empty()) listed = strongest_units(finder, with, only, top);
  for (const Unit& unit : listed) finder.facts(unit);
  std::optional<UnitCorpus> text;
  std::optional<Like> found;
  if (like) {
    text = read_units_text(network, task, *like);
    found = find_like(finder, *text);
  }
  if (result.json) {
    std::string json = to_json(finder, shown);
    if (found) json.insert(json.size() - 1, ",\"like\":" + to_json(finder, *text, *found));
    print_json_text(json);
    return 0;
  }
  const Style style = style_of(1);
  std::string page =
      fmt::format("{}  {}\n\n", style.bold(one_line(finder.corpus().name)),
                  style.dim(fmt::format("{} {}s, {} units ({}), {}", thousands(finder.corpus().size()),
                                        unit_name(network), finder.units().size(), state, memory(finder.memory()))));
  if (found) {
    page += draw_like(style, finder, *text, *found);
  } else if (!shown.units) {
    page += draw_units(style, finder, listed, with);
  } else {
    for (const Unit& unit : listed) page += draw_unit(style, finder, unit, places);
  }
  print(page);
  return 0;
}

}  // namespace

Action add_units(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Units>();
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("FILE", verb->files,
                 "the corpus: files, folders, - for standard input, any of them gzipped; sentences with tags; or the "
                 "examples of a task")
      ->required();
  app.add_option("--unit", verb->units, "this unit: what it correlates with, where it is highest and lowest")
      ->type_name("[LAYER:]UNIT")
      ->take_all()
      ->allow_extra_args(false)
      ->default_str("those that follow something most strongly");
  app.add_option("--layer", verb->layer, "units of this layer alone, from 0")->type_name("N")->default_str("all");
  app.add_option("--with", verb->with,
                 "rank units by what they have to do with this: quotes, brackets, line, sentence, "
                 "capital, letters, or class: and a tag or class")
      ->type_name("NAME")
      ->default_str("whatever each follows most");
  app.add_option("--state", verb->state, "h, or the c of an LSTM")->type_name("h|c")->default_str("h");
  add_value(app, "--top", verb->top, "how many units, or places that are alike, to show", "N");
  add_value(app, "--places", verb->places, "how many places of each unit, highest and lowest", "N");
  const std::string group = "Places that are alike";
  app.add_option("--like", verb->like, "find where the memory is as it is over a span of this text")
      ->type_name("TEXT")
      ->group(group);
  app.add_option("--span", verb->span, "which words or characters of it, numbered from 0")
      ->type_name("FIRST-LAST")
      ->default_str("all")
      ->group(group);
  app.add_option(
         "--threshold", verb->threshold,
         "how many standard deviations from its mean a unit is on; the greatest of 2, 1.5, 1 and 0.5 with eight "
         "units, else")
      ->type_name("X")
      ->group(group);
  add_value(app, "--threads", verb->threads, "how many to use; 0: as many as the machine has", "N");
  app.add_flag("-q,--quiet", verb->quiet, "show no progress");
  verb->result.add(app);
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
