// sluice compare FILE..., sluice compare --favourites
#include <fmt/format.h>

#include <memory>

#include "base/watch.h"
#include "comparison.h"
#include "defaults.h"
#include "interrupts.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "runs_page.h"
#include "task_flags.h"
#include "text_files.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Compare {
  Invocation typed;
  std::vector<std::string> files;
  std::string cells = "rnn,lstm,gru", match = "parameters", seeds = "1", distances;
  bool favourites = false, quiet = false;
  FavouritesOptions stories;
  TextFlags text;
  NetworkFlags network;
  TrainingFlags training;
  ResultFlags result;

  int run();
  CompareOptions options() const;
  Corpus read(Console& console, const TextFiles& material) const;
  void say_what_it_looks_like(TextFiles& material, Console& console) const;
};

CompareOptions Compare::options() const {
  CompareOptions o;
  if (favourites) {
    o = favourites_defaults();
  } else {
    const Defaults d = defaults_for(text.checked().level);
    o.config = d.config;
    o.train = d.train;
    o.train.epochs = defaults_for(Level::word).train.epochs;  // several runs, so none of them a long one
  }
  network.apply(o.config);
  training.apply(o.train);
  settle({network.fields.given("tied"), training.fields.given("calibrate-temperature")}, o.train.validation_split > 0,
         o.config, o.train);
  o.cells = split(cells, ',');
  expect(!o.cells.empty(), "--cells", "names of cells with commas between them", cells);
  for (const std::string& cell : o.cells) find_cell(cell);
  expect(match == "parameters" || match == "hidden", "--match", "parameters or hidden", match);
  o.match = match == "hidden" ? Match::hidden : Match::parameters;
  o.seeds = read_numbers("--seeds", seeds);
  return o;
}

Corpus Compare::read(Console& console, const TextFiles& material) const {
  say_files(console, material);
  const Corpus corpus = Corpus::read(material.sources, material.name, text.checked(), text.vocabulary);
  for (const std::string& warning : text_warnings(material, corpus)) console.say("warning: " + one_line(warning));
  return corpus;
}

// Whatever a file looks like, it is read as a text here.
void Compare::say_what_it_looks_like(TextFiles& material, Console& console) const {
  if (files.size() != 1 || files[0] == "-") return;
  try {
    const DataKind kind = kind_of_file(files[0], material);
    if (kind.form == DataForm::text) return;
    console.say(
        fmt::format("note: {} looks like a file for {} ({}), and its characters are compared as a text; sluice "
                    "train --cell NAME trains each cell on what it says",
                    printable(files[0]), field_text(task_of(kind).kind), kind.saw));
  } catch (const Error&) {
    // Whoever reads it as a text says what is wrong with it.
  }
}

int Compare::run() {
  expect(favourites != !files.empty(), "compare", "either FILE or --favourites", favourites ? "both" : "neither");
  if (!distances.empty()) {
    const auto numbers = read_numbers("--distances", distances);
    stories.distances.assign(numbers.begin(), numbers.end());
  }
  const CompareOptions o = options();
  const std::vector<FileLock> locks = result.lock();
  Console console(quiet);
  refuse_models("compare", files);
  TextFiles material = favourites ? TextFiles{} : text_files(files);
  say_what_it_looks_like(material, console);
  if (!result.html.empty()) stories.times = kRecallTimes;
  RunsProgress progress(console);
  FewerThreads fewer(console, o.train.threads);
  Interrupts interrupts;
  const Watch watch([&] { return interrupts.go_on(); });
  const auto report = [&](const CompareProgress& p) {
    fewer.say(p.report.threads);
    progress.show(p);
    return interrupts.go_on();
  };
  const std::vector<CompareRun> runs =
      favourites ? compare_favourites(stories, o, report) : compare(read(console, material), o, report);
  console.clear();
  if (!interrupts.go_on()) {
    console.say(fmt::format("stopped by {}; nothing is kept of a comparison that did not end", interrupts.name()));
    return interrupts.exit_code();
  }
  const std::vector<CellRuns> side_by_side = by_cell(runs);
  const auto view = [&](const Style& style) {
    return draw_comparison(style, side_by_side,
                           favourites
                               ? "share of right answers, by words between clue and answer"
                               : "how often the likeliest token was right, by tokens since it last stood (up to)");
  };
  const auto object = [&]() -> Json {
    Json list = Json::array();
    for (const CellRuns& cell : side_by_side) list.push_back(to_json(cell));
    return {{"text", favourites ? "favourites" : material.name}, {"match", match}, {"seeds", o.seeds}, {"cells", list}};
  };
  show(result, view, object);
  const std::vector<PageText> texts = favourites ? favourites_texts() : std::vector<PageText>();
  write_page(result, [&] { return runs_page(runs, texts, object()); });
  draw_picture(result, typed.line(typed.program, {"--svg", "--html"}, {"--force"}), view);
  return 0;
}

}  // namespace

Action add_compare(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Compare>();
  verb->typed = typed;
  app.add_option("FILE", verb->files,
                 "the text, UTF-8: files, folders, - for standard input, any gzipped; its last tenth is held out");
  app.add_flag("--favourites", verb->favourites, "on made-up stories of the demonstration instead of a FILE");
  add_value(app, "--cells", verb->cells, "which, with commas between them", "NAMES");
  add_value(app, "--match", verb->match, "bring cells to equal parameters, or to equal hidden units", "NAME");
  add_value(app, "--seeds", verb->seeds, "one run a seed, with commas between them", "N,...");
  verb->result.add(app);
  verb->result.add_picture(app);
  verb->result.add_page(app);
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but errors and the result");
  add_value(app, "--words", verb->stories.words, "of stories to train on; 0: as the demonstration", "N")
      ->group("Favourites");
  add_value(app, "--longest", verb->stories.longest, "longest distance trained on; 0: as the demonstration", "N")
      ->group("Favourites");
  add_value(app, "--stories", verb->stories.stories, "held-out stories a distance", "N")->group("Favourites");
  app.add_option("--distances", verb->distances, "words between clue and answer [0,10,20,40,80]")
      ->type_name("N,...")
      ->group("Favourites");
  verb->text.add(app);
  const Defaults words = defaults_for(Level::word);
  verb->network.add(app, words.config, {"cell"});
  verb->training.add(app, words.train, {"seed", "checkpoint", "checkpoint-seconds", "resume", "minutes"});
  app.get_option("--max-seconds")->description("end each run, of a cell and a seed, within this time; 0: no limit");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
