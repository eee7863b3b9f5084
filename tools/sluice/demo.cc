// sluice demo: a plain RNN forgets, a GRU and an LSTM remember.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/file.h"
#include "base/json_tree.h"
#include "comparison.h"
#include "completion.h"
#include "gates_view.h"
#include "interrupts.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "runs_page.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

namespace fs = std::filesystem;
namespace story = favourites;

constexpr std::string_view kMadeBy = "sluice demo";

struct Question {
  std::string text, answer;
};
const std::array<Question, 2> kQuestions = {{{std::string(story::first_text), std::string(story::first_answer)},
                                             {std::string(story::second_text), std::string(story::second_answer)}}};

// What one cell answered to one question.
struct Answer {
  std::vector<Candidate> candidates;  // the three likeliest, and the right one wherever it stands
  float right = 0;                    // probability of the right answer
};

struct Shown {
  std::string cell, path;
  std::array<Answer, 2> answers;
};

struct Demo {
  Invocation typed;
  std::string directory = "sluice-demo";
  std::uint64_t seed = 1, words = 0, threads = 0;
  bool quiet = false;
  ResultFlags result;

  int run();
  std::string path_of(const std::string& cell) const {
    return (fs::path(directory) / (cell + ".safetensors")).string();
  }
  bool make_room(const std::vector<std::string>& cells) const;
  std::string page(const Style& style, const std::vector<Shown>& shown, const std::vector<CellRuns>& table,
                   const GatesOfText& gates) const;
};

// Whether a file is a model that a demonstration made.
bool made_here(const std::string& path) {
  try {
    const Model model = load(path);
    const auto note = model.notes().find("trained");
    if (note == model.notes().end()) return false;
    const Json read = read_json(note->second, path);
    const auto by = read.find("by");
    return by != read.end() && by->is_string() && by->get<std::string>() == kMadeBy;
  } catch (const Error&) {
    return false;
  }
}

// Before any work: nobody else's file is in the way, and the folder is there. True when it was not before.
bool Demo::make_room(const std::vector<std::string>& cells) const {
  for (const std::string& cell : cells) {
    const std::string path = path_of(cell);
    if (fs::exists(path) && !result.force && !made_here(path)) {
      throw Error(Status::failed, fmt::format("{}: exists and was not made by the demo: give another folder with "
                                              "--output, or replace it with --force",
                                              path));
    }
  }
  std::error_code failed;
  const bool made = fs::create_directories(directory, failed);
  if (failed) {
    throw Error(Status::failed, fmt::format("{}: cannot make this folder: {}", directory, failed.message()));
  }
  check_writable(path_of(cells.front()), true);
  return made;
}

Answer ask(const Model& model, const Question& question) {
  Answer answer;
  answer.candidates = complete(model, question.text, {.top = model.vocabulary().size(), .sample = {}}).candidates;
  const auto found = std::find_if(answer.candidates.begin(), answer.candidates.end(),
                                  [&](const Candidate& c) { return c.token == question.answer; });
  if (found != answer.candidates.end()) answer.right = found->probability;
  const Candidate right{question.answer, answer.right};
  const std::size_t place = static_cast<std::size_t>(found - answer.candidates.begin());
  answer.candidates.resize(std::min<std::size_t>(3, answer.candidates.size()));
  if (place >= answer.candidates.size()) answer.candidates.push_back(right);
  return answer;
}

std::string capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::string draw_question(const Style& style, std::size_t number, const std::vector<Shown>& shown) {
  const Question& question = kQuestions[number];
  std::string page;
  for (const std::string& line : wrapped(question.text + "…", style.width - 3)) page += "  " + style.bold(line) + "\n";
  page += "\n";
  for (const Shown& one : shown) {
    const Answer& answer = one.answers[number];
    const bool right = answer.candidates.front().token == question.answer;
    const std::string verdict = right ? style.colour("right", colours::green) : style.colour("wrong", colours::red);
    const std::string margin = fmt::format("  {}  {}  ", style.bold(pad_right(capitals(one.cell), 4)), verdict);
    page += draw_candidates(style, answer.candidates, margin, question.answer);
  }
  return page;
}

std::string title(const Style& style, std::string_view text) {
  return fmt::format("\n{}\n\n", style.colour(style.bold(text), colours::amber));
}

std::string Demo::page(const Style& style, const std::vector<Shown>& shown, const std::vector<CellRuns>& table,
                       const GatesOfText& gates) const {
  std::string page =
      title(style, "What comes next?") + draw_question(style, 0, shown) + "\n" + draw_question(style, 1, shown);
  page += title(style, "What the gates of the GRU did on the way") + draw_gates(style, gates);
  page += title(style, "What each costs and how far it remembers (stories it has never seen)");
  page += draw_comparison(style, table, "share of right answers, by words between clue and answer");
  page += title(style, "The models");
  for (const Shown& one : shown) page += fmt::format("  {}\n", one.path);
  page += title(style, "Go on with");
  const std::string program = shell_word(typed.program), gru = shell_word(path_of("gru"));
  page += fmt::format("  {} complete {}\n", program, gru);
  page += fmt::format("  {} gates {} \"Dhaval eats samosa almost everyday\"\n", program, gru);
  page += fmt::format("  {} info {}\n", program, shell_word(path_of("lstm")));
  page += fmt::format("  {} compare --favourites --seeds 1,2,3\n", program);
  page += fmt::format("  {} train YOUR.txt -o YOUR.safetensors\n", program);
  return page;
}

Json to_json(const std::vector<Shown>& shown, const std::vector<CellRuns>& table, const GatesOfText& gates) {
  Json cells = Json::array();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    Json cell = to_json(table[i]);
    cell["model"] = shown[i].path;
    cell["completions"] = Json::array();
    for (std::size_t q = 0; q < kQuestions.size(); ++q) {
      const Answer& answer = shown[i].answers[q];
      cell["completions"].push_back({{"prompt", kQuestions[q].text},
                                     {"answer", kQuestions[q].answer},
                                     {"probability", tidy(answer.right)},
                                     {"candidates", to_json(answer.candidates)}});
    }
    cells.push_back(std::move(cell));
  }
  return {{"cells", cells}, {"gates", means_json(gates)}};
}

void save_run(CompareRun& run, const std::string& path) {
  const Json note = {
      {"by", kMadeBy},           {"sluice", SLUICE_VERSION},      {"text", "favourites"},
      {"seed", run.result.seed}, {"seconds", run.result.seconds}, {"nats_per_token", run.result.nats_per_token}};
  run.model.notes()["trained"] = note.dump();
  save(run.model, path, {.force = true});
}

void introduce(Talk& talk, const std::string& directory) {
  const std::string text =
      "Somebody eats or loves certain dishes, other words follow, and the question is which cuisine that person likes "
      "best. A network can only answer if it still remembers the dishes. Three networks of the same size learn this "
      "from stories made up on the spot: a plain RNN, an LSTM and a GRU.";
  for (const std::string& line : wrapped(text, talk.style().width - 1)) talk.say(line);
  talk.say(fmt::format("The models go to {}.\n", directory));
}

int Demo::run() {
  CompareOptions options = favourites_defaults();
  options.seeds = {seed};
  options.train.threads = threads;
  result.check();
  const bool made = make_room(options.cells);
  Talk talk(quiet);
  introduce(talk, directory);
  RunsProgress progress(talk);
  FewerThreads fewer(talk, threads);
  Interrupts interrupts;
  FavouritesOptions stories;
  stories.words = words;
  std::vector<CompareRun> runs = compare_favourites(stories, options, [&](const CompareProgress& p) {
    fewer.say(p.report.threads);
    progress.show(p);
    return interrupts.go_on();
  });
  talk.clear();
  if (!interrupts.go_on()) {
    std::error_code not_empty;
    if (made) fs::remove(directory, not_empty);
    talk.say(fmt::format("stopped by {}; nothing was saved", interrupts.name()));
    return interrupts.exit_code();
  }
  std::vector<Shown> shown;
  GatesOfText gates;
  for (CompareRun& run : runs) {
    Shown& one = shown.emplace_back(Shown{run.result.cell, path_of(run.result.cell), {}});
    for (std::size_t q = 0; q < kQuestions.size(); ++q) one.answers[q] = ask(run.model, kQuestions[q]);
    if (run.result.cell == "gru") gates = read_gates(run.model, kQuestions[1].text);
    save_run(run, one.path);
  }
  const std::vector<CellRuns> table = by_cell(runs);
  const auto view = [&](const Style& style) { return page(style, shown, table, gates); };
  show(result, view, [&] { return to_json(shown, table, gates); });
  write_page(result, [&] {
    Json cells = Json::array();
    for (const CellRuns& cell : table) cells.push_back(to_json(cell));
    const Json comparison = {{"text", "favourites"}, {"match", "parameters"}, {"seeds", {seed}}, {"cells", cells}};
    return runs_page(runs, std::vector<std::string>{kQuestions[0].text, kQuestions[1].text}, comparison);
  });
  draw_picture(result, typed.line(typed.program, {"--svg", "--html"}, {"--force"}), view);
  return 0;
}

}  // namespace

Action add_demo(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Demo>();
  verb->typed = typed;
  add_value(app, "-o,--output", verb->directory, "folder for the three models", "DIR");
  add_value(app, "--seed", verb->seed, "other weights, other stories", "N");
  add_value(app, "--words", verb->words, "of stories to train on; 0: what it takes", "N");
  add_value(app, "--threads", verb->threads, "how many to use; 0: as many as the machine has", "N");
  verb->result.add(app);
  verb->result.add_picture(app);
  verb->result.add_page(app);
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but errors and the result");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
