// sluice demo: how far back a plain RNN, an LSTM and a GRU remember.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/file.h"
#include "base/json_tree.h"
#include "base/watch.h"
#include "comparison.h"
#include "completion.h"
#include "gates_view.h"
#include "interrupts.h"
#include "lessons/favourites.h"
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

// Words between clue and question at which the difference is there to be seen: nearer, a plain RNN is nearly as good;
// further, the LSTM falls below it (docs/favourites.md has the numbers).
constexpr std::size_t kFar = 80;

// What was seen at that distance.
struct Far {
  std::vector<Recall> recall;   // of each cell, over held-out stories
  Question example;             // one that the RNN got wrong, if it got one wrong and the search found it
  std::vector<Answer> answers;  // of each cell to it
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
  std::string page(const Style& style, const std::vector<Shown>& shown, const Far& far,
                   const std::vector<CellRuns>& table, const GatesOfText& gates) const;
};

// Before any work: nothing is in the way, a model of an earlier run neither, and the folder is there. True when it was
// not before.
bool Demo::make_room(const std::vector<std::string>& cells) const {
  for (const std::string& cell : cells) {
    if (const std::string path = path_of(cell); fs::exists(path) && !result.force) {
      throw Error(Status::failed,
                  fmt::format("{}: exists: replace it with --force, or give another folder with --output", path));
    }
  }
  std::error_code failed;
  const bool made = fs::create_directories(directory, failed);
  if (failed) {
    throw Error(Status::failed, fmt::format("{}: cannot make this folder: {}", directory, failed.message()));
  }
  for (const std::string& cell : cells) result.expect_output("--output", path_of(cell), true);
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

std::string draw_question(const Style& style, const Question& question, const std::vector<Shown>& shown,
                          const std::vector<const Answer*>& answers) {
  std::string page;
  for (const std::string& line : wrapped(question.text + "…", style.width - 3)) page += "  " + style.bold(line) + "\n";
  page += "\n";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const bool right = answers[i]->candidates.front().token == question.answer;
    const std::string verdict = right ? style.colour("right", colours::green) : style.colour("wrong", colours::red);
    const std::string margin = fmt::format("  {}  {}  ", style.bold(pad_right(capitals(shown[i].cell), 4)), verdict);
    page += draw_candidates(style, answers[i]->candidates, margin, question.answer);
  }
  return page;
}

std::string draw_question(const Style& style, std::size_t number, const std::vector<Shown>& shown) {
  std::vector<const Answer*> answers;
  answers.reserve(shown.size());
  for (const Shown& one : shown) answers.push_back(&one.answers[number]);
  return draw_question(style, kQuestions[number], shown, answers);
}

// Looks for a question at that distance that the RNN gets wrong, best one that the others get right.
Far look_far(const std::vector<CompareRun>& runs, std::uint64_t seed) {
  constexpr std::uint64_t kLookedAt = 100;  // stories
  Far far;
  for (const CompareRun& run : runs) {
    const auto& recall = run.result.recall_by_distance;
    const auto found = std::find_if(recall.begin(), recall.end(), [](const Recall& r) { return r.words == kFar; });
    far.recall.push_back(found == recall.end() ? Recall{kFar, 0, 0} : *found);
  }
  for (std::uint64_t number = 0; number < kLookedAt; ++number) {
    const story::Story one = story::story(seed, number, kFar, story::Part::held_out);
    for (const story::Question& asked : one.questions) {
      const Question question = {one.text.substr(0, asked.prompt_bytes), asked.answer};
      std::vector<Answer> answers;
      bool rnn_wrong = false, others_right = true;
      for (const CompareRun& run : runs) {
        answers.push_back(ask(run.model, question));
        const bool right = answers.back().candidates.front().token == question.answer;
        if (run.result.cell == "rnn") rnn_wrong = !right;
        if (run.result.cell != "rnn") others_right = others_right && right;
      }
      if (!rnn_wrong || (!far.answers.empty() && !others_right)) continue;
      far.example = question;
      far.answers = std::move(answers);
      if (others_right) return far;
    }
  }
  return far;
}

// What the numbers say, and nothing else.
std::string verdict_of(const Far& far, const std::vector<Shown>& shown) {
  std::string text = fmt::format(
      "With {} words between clue and question, of {} questions about stories it has never "
      "seen,",
      kFar, thousands(far.recall.front().n));
  double rnn = 0, best = 0, worst_other = 1;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const double accuracy = far.recall[i].accuracy;
    text += fmt::format("{} the {} answers {:.1f} % rightly",
                        i == 0                  ? ""
                        : i + 1 == shown.size() ? " and"
                                                : ",",
                        capitals(shown[i].cell), 100 * accuracy);
    best = std::max(best, accuracy);
    if (shown[i].cell == "rnn") rnn = accuracy;
    if (shown[i].cell != "rnn") worst_other = std::min(worst_other, accuracy);
  }
  text += ". ";
  if (best < 0.5) return text + "None of them has learned the stories: they need more words to train on (--words).";
  if (rnn < worst_other) return text + "The plain RNN forgets most.";
  if (rnn < best) return text + "The plain RNN forgets, and so does one of the two with gates.";
  return text + "This time the plain RNN forgets no more than the two with gates.";
}

std::string draw_far(const Style& style, const Far& far, const std::vector<Shown>& shown) {
  std::string page;
  for (const std::string& line : wrapped(verdict_of(far, shown), style.width - 3)) page += "  " + line + "\n";
  if (far.answers.empty()) return page;
  page += "\n  " + style.dim("One that the RNN got wrong:") + "\n\n";
  std::vector<const Answer*> answers;
  for (const Answer& answer : far.answers) answers.push_back(&answer);
  return page + draw_question(style, far.example, shown, answers);
}

std::string title(const Style& style, std::string_view text) {
  return fmt::format("\n{}\n\n", style.colour(style.bold(text), colours::amber));
}

std::string Demo::page(const Style& style, const std::vector<Shown>& shown, const Far& far,
                       const std::vector<CellRuns>& table, const GatesOfText& gates) const {
  std::string page =
      title(style, "What comes next?") + draw_question(style, 0, shown) + "\n" + draw_question(style, 1, shown);
  page += title(style, fmt::format("And with {} words in between?", kFar)) + draw_far(style, far, shown);
  page += title(style, "What the gates of the GRU did on the way") + draw_gates(style, gates);
  page += title(style, "What each costs and how far it remembers (stories it has never seen)");
  page += draw_comparison(style, table, "share of right answers, by words between clue and answer");
  page += title(style, "The models");
  for (const Shown& one : shown) page += fmt::format("  {}\n", printable(one.path));
  page += title(style, "Go on with");
  const std::string program = printable(shell_word(typed.program)), gru = printable(shell_word(path_of("gru")));
  std::string all;
  for (const Shown& one : shown) all += " " + printable(shell_word(one.path));
  page += fmt::format("  {} serve{}\n", program, all);
  page += fmt::format("  {} explain {} \"{}\" --replace samosa=sushi\n", program, gru, kQuestions[0].text);
  page += fmt::format("  {} complete {}\n", program, gru);
  page += fmt::format("  {} gates {} \"Dhaval eats samosa almost everyday\"\n", program, gru);
  page += fmt::format("  {} info {}\n", program, printable(shell_word(path_of("lstm"))));
  page += fmt::format("  {} compare --favourites --seeds 1,2,3\n", program);
  page += fmt::format("  {} train YOUR.txt -o YOUR.safetensors\n", program);
  return page;
}

Json to_json(const Question& question, const Answer& answer) {
  return {{"prompt", question.text},
          {"answer", question.answer},
          {"probability", tidy(answer.right)},
          {"candidates", to_json(answer.candidates)}};
}

Json to_json(const std::vector<Shown>& shown, const Far& far, const std::vector<CellRuns>& table,
             const GatesOfText& gates) {
  Json cells = Json::array();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    Json cell = to_json(table[i]);
    cell["model"] = shown[i].path;
    cell["completions"] = Json::array();
    for (std::size_t q = 0; q < kQuestions.size(); ++q) {
      cell["completions"].push_back(to_json(kQuestions[q], shown[i].answers[q]));
    }
    // Null where the RNN got none wrong.
    cell["far"] = far.answers.empty() ? Json(nullptr) : to_json(far.example, far.answers[i]);
    cells.push_back(std::move(cell));
  }
  return {{"cells", cells}, {"verdict", verdict_of(far, shown)}, {"gates", means_json(gates)}};
}

void save_run(CompareRun& run, const std::string& path) {
  const Json note = {
      {"by", kMadeBy},           {"sluice", SLUICE_VERSION},      {"text", "favourites"},
      {"seed", run.result.seed}, {"seconds", run.result.seconds}, {"nats_per_token", run.result.nats_per_token}};
  run.model.notes()["trained"] = note.dump();
  save(run.model, path, {.force = true});
}

void introduce(Console& console, const std::string& directory) {
  const std::string text =
      "Somebody eats or loves certain dishes, other words follow, and the question is which cuisine that person likes "
      "best. A network can only answer if it still remembers the dishes. Three networks of the same size learn this "
      "from stories made up on the spot: a plain RNN, an LSTM and a GRU.";
  for (const std::string& line : wrapped(text, console.style().width - 1)) console.say(line);
  console.say(fmt::format("The models go to {}.\n", printable(directory)));
}

int Demo::run() {
  CompareOptions options = favourites_defaults();
  options.seeds = {seed};
  options.train.threads = threads;
  std::vector<FileLock> locks = result.lock();
  const bool made = make_room(options.cells);
  for (const std::string& cell : options.cells) locks.emplace_back(path_of(cell));
  Console console(quiet);
  introduce(console, directory);
  RunsProgress progress(console);
  FewerThreads fewer(console, threads);
  Interrupts interrupts;
  const Watch watch([&] { return interrupts.go_on(); });
  FavouritesOptions stories;
  stories.words = words;
  if (!result.html.empty()) stories.times = kRecallTimes;
  std::vector<CompareRun> runs = compare_favourites(stories, options, [&](const CompareProgress& p) {
    fewer.say(p.report.threads);
    progress.show(p);
    return interrupts.go_on();
  });
  console.clear();
  if (!interrupts.go_on()) {
    std::error_code not_empty;
    locks.clear();
    if (made) fs::remove(directory, not_empty);
    console.say(fmt::format("stopped by {}; nothing was saved", interrupts.name()));
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
  const Far far = look_far(runs, seed);
  const auto view = [&](const Style& style) { return page(style, shown, far, table, gates); };
  show(result, view, [&] { return to_json(shown, far, table, gates); });
  write_page(result, [&] {
    Json cells = Json::array();
    for (const CellRuns& cell : table) cells.push_back(to_json(cell));
    const Json comparison = {{"text", "favourites"}, {"match", "parameters"}, {"seeds", {seed}}, {"cells", cells}};
    return runs_page(runs, favourites_texts(), comparison);
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
