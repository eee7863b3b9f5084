// sluice eval MODEL FILE...
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <optional>

#include "base/file.h"
#include "confusion.h"
#include "data/lines.h"
#include "explain/facts.h"
#include "model/config.h"
#include "needs.h"
#include "ngram_baseline.h"
#include "options.h"
#include "output.h"
#include "task_flags.h"
#include "task_forecast.h"
#include "task_score.h"
#include "text_files.h"
#include "training_file.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

// Above this share of unknown tokens the figures speak of <unk> more than of the text.
constexpr double kManyUnknown = 0.03;
constexpr const char* kPictured = "a model that forecasts, detects, classifies or tags";

struct Eval {
  std::string model;
  std::vector<std::string> files;
  std::string training;
  Precision precision = Precision::f32;
  std::uint64_t batch = 1, threads = 0;
  bool lines = false;
  ResultFlags result;

  int run() const;
  int run_task(const Task& task, const Model& network) const;
  template <class Read>
  std::optional<Examples> find_training(const Task& task, const Model& network, const Read& read,
                                        std::string& from) const;
  int score_lines(const Model& network, const TextFiles& text) const;
};

double unknown_share(const Evaluation& e) {
  return e.tokens == 0 ? 0 : static_cast<double>(e.unknown) / static_cast<double>(e.tokens);
}

std::string page(const Style& style, const Evaluation& e, const std::optional<KnownNGram>& ngram,
                 std::string_view unit) {
  const auto row = [&](const char* name, const std::string& value, const std::string& note = "") {
    return fmt::format("{}  {}{}\n", pad_right(name, 16), style.bold(value),
                       note.empty() ? "" : "  " + style.dim(note));
  };
  std::string drawn =
      row("tokens", std::to_string(e.tokens)) +
      row("unknown", std::to_string(e.unknown), fmt::format("{} of them <unk>", percent(unknown_share(e), 2))) +
      row("nats per token", fmt::format("{:.4f}", e.nats_per_token)) +
      row("bits per token", fmt::format("{:.4f}", e.bits_per_token)) +
      row("perplexity", fmt::format("{:.3f}", e.perplexity)) +
      row("recall at 1", fmt::format("{:.4f}", e.recall_at_1), "share of tokens that were the likeliest") +
      row("recall at 3", fmt::format("{:.4f}", e.recall_at_3), "share that were among the three likeliest");
  if (ngram) {
    drawn += row("n-gram", fmt::format("{:.4f}", ngram->nats_per_token),
                 fmt::format("nats per token of one of order {} (Kneser-Ney) of {} tokens of {}", ngram->order,
                             thousands(ngram->tokens),
                             ngram->training.empty() ? "the training text" : one_line(ngram->training)));
  }
  if (unknown_share(e) <= kManyUnknown) return drawn;
  drawn += fmt::format(
      "\n{} of the tokens are {}s that the model does not know. Each counts as the token <unk>, which is easy to "
      "predict.\n",
      percent(unknown_share(e)), unit);
  if (e.unknown == e.tokens) return drawn + "There are no others.\n";
  return drawn + "Without them:\n" + row("tokens", std::to_string(e.tokens - e.unknown)) +
         row("nats per token", fmt::format("{:.4f}", e.known_nats_per_token)) +
         row("bits per token", fmt::format("{:.4f}", e.known_nats_per_token / std::numbers::ln2)) +
         row("perplexity", fmt::format("{:.3f}", e.known_perplexity)) +
         row("recall at 1", fmt::format("{:.4f}", e.known_recall_at_1)) +
         row("recall at 3", fmt::format("{:.4f}", e.known_recall_at_3));
}

Json to_json(const Evaluation& e, const std::optional<KnownNGram>& ngram) {
  Json known = nullptr;
  if (e.unknown < e.tokens) {
    known = {{"tokens", e.tokens - e.unknown},     {"nats_per_token", e.known_nats_per_token},
             {"perplexity", e.known_perplexity},   {"bits_per_token", e.known_nats_per_token / std::numbers::ln2},
             {"recall_at_1", e.known_recall_at_1}, {"recall_at_3", e.known_recall_at_3}};
  }
  return {{"tokens", e.tokens},
          {"unknown", e.unknown},
          {"unknown_share", unknown_share(e)},
          {"nats_per_token", e.nats_per_token},
          {"perplexity", e.perplexity},
          {"bits_per_token", e.bits_per_token},
          {"recall_at_1", e.recall_at_1},
          {"recall_at_3", e.recall_at_3},
          {"without_unknown", known},
          {"ngram",
           ngram ? Json{{"order", ngram->order}, {"tokens", ngram->tokens}, {"nats_per_token", ngram->nats_per_token}}
                 : Json(nullptr)},
          {"training", ngram && !ngram->training.empty() ? Json(ngram->training) : Json(nullptr)}};
}

// A line as a text by itself: it begins as one, and its end is predicted like a word.
struct LineScore {
  std::size_t tokens = 0, unknown = 0;  // predicted
  double nats = 0;                      // of all of them

  double perplexity() const { return std::exp(nats / static_cast<double>(tokens)); }
};

LineScore score_line(const Model& model, const std::string& line) {
  const std::vector<Token> begin = model.begin_tokens();
  std::vector<Token> tokens = model.vocabulary().encode(line);
  tokens.insert(tokens.begin(), begin.begin(), begin.end());
  if (!begin.empty()) tokens.push_back(begin.front());
  const std::vector<float> nats = model.score(tokens).nats;  // of all tokens but the first
  LineScore score;
  for (std::size_t t = std::max<std::size_t>(begin.size(), 1); t < tokens.size(); ++t) {
    score.nats += static_cast<double>(nats[t - 1]);
    score.unknown += tokens[t] == Vocabulary::unknown;
    ++score.tokens;
  }
  return score;
}

// A row a line, in the order of the lines; one that is no text has a row without numbers, so that rows still count
// lines.
int Eval::score_lines(const Model& network, const TextFiles& text) const {
  int code = 0;
  for (const TextSource& source : text.sources) {
    LineReader reader(source, network.vocabulary().text().lossy);
    std::string line;
    while (true) {
      try {
        if (!reader.next(line)) break;
        const LineScore s = score_line(network, line);
        if (result.json) {
          const Json perplexity = s.tokens == 0 ? Json(nullptr) : Json(s.perplexity());
          Json row = {{"line", reader.number()}};
          if (text.sources.size() > 1) row["file"] = source.name;
          row.update({{"nats", s.nats}, {"perplexity", perplexity}, {"tokens", s.tokens}, {"unknown", s.unknown}});
          print_json(row);
        } else {
          print(fmt::format("{:.4f}\t{}\t{}\t{}\n", s.nats, s.tokens == 0 ? "-" : fmt::format("{:.3f}", s.perplexity()),
                            s.tokens, s.unknown));
        }
      } catch (const Error& error) {
        if (error.status() == Status::failed || reader.number() == 0) throw;
        code = static_cast<int>(error.status());
        refuse_line(result, error, reader.number());
        if (!result.json) print("-\t-\t-\t-\n");
      }
    }
  }
  return code;
}

// The examples that were trained on, where their file is still there: its classes are as frequent as training counted
// them. Music and tables need none.
template <class Read>
std::optional<Examples> Eval::find_training(const Task& task, const Model& network, const Read& read,
                                            std::string& from) const {
  if ((task.kind != TaskKind::classify && task.kind != TaskKind::tag) || task.counted == 0) return std::nullopt;
  for (const std::string& path : files_of_training(network, model, files[0])) {
    try {
      Examples examples = read(path);
      Task counted = task;
      count_frequencies(examples, counted);
      if (counted.frequencies != task.frequencies) continue;
      from = path;
      return examples;
    } catch (const Error&) {
      // Some other file that happens to have the name.
    }
  }
  return std::nullopt;
}

int Eval::run_task(const Task& task, const Model& network) const {
  expect(files.size() == 1, "FILE", "one file or folder", std::to_string(files.size()));
  const std::string found = fmt::format("one for {}", field_text(task.kind));
  expect(!lines, "--lines", "a model of language", found);
  expect(batch == 1, "--batch", "a model of language", found);
  expect(result.svg.empty() || task.kind != TaskKind::music, "--svg", kPictured, found);
  if (of_tables(task.kind)) return eval_forecast({network, model, files[0], threads, result}, training);
  const auto read = [&](const std::string& path) {
    Examples examples =
        read_examples(task, path, open_examples, {.inputs = network.config().inputs, .as_trained = true});
    encode_for(network, task, examples);
    return examples;
  };
  const Examples test = read(files[0]);
  std::optional<Examples> trained;
  std::string from = training;
  if (!training.empty()) {
    trained = read(training);
  } else {
    trained = find_training(task, network, read, from);
  }
  TaskScore score = score_of(task, network, test, trained ? &*trained : nullptr, threads);
  score.json["training"] = trained ? Json(from) : Json(nullptr);
  if (trained && training.empty())
    score.lines.push_back(fmt::format("baselines of what was trained on: {}", one_line(from)));
  show(
      result, [&](const Style& style) { return score_page(style, score); }, [&] { return score.json; });
  if (!result.svg.empty()) {
    const std::string title = fmt::format("{} on {}", model_name(model), one_line(model_name(files[0])));
    write_file(result.svg, confusion_picture(title, confusions_of(task, network, test, threads)), result.force);
  }
  return 0;
}

int Eval::run() const {
  expect(batch >= 1, "--batch", "1 or more", std::to_string(batch));
  result.check();
  expect(!lines || batch == 1, "--batch", "1 with --lines, where every line stands for itself", std::to_string(batch));
  const Model network = load_for("eval", model, precision);
  if (const Task task = task_of(network, model); task.kind != TaskKind::language) return run_task(task, network);
  expect_model_for("eval of a text", network, model);
  expect(result.svg.empty(), "--svg", kPictured, "one of language");
  const TextFiles text = text_files(files);
  expect(!lines || training.empty(), "--training", "none with --lines", training);
  if (lines) return score_lines(network, text);
  Console console(false);
  say_files(console, text);
  const Corpus corpus = Corpus::read(text.sources, text.name, network.vocabulary());
  const Evaluation e = evaluate(network, corpus, batch, threads);
  const std::optional<KnownNGram> ngram =
      known_ngram(network, training, files_of_training(network, model, files[0]), corpus);
  FewerThreads(console, threads).say(e.threads);
  show(
      result, [&](const Style& style) { return page(style, e, ngram, unit_name(network)); },
      [&] {
        Json object = to_json(e, ngram);
        if (!text.plain) object["files"] = names_of(text);
        return object;
      });
  return 0;
}

}  // namespace

Action add_eval(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Eval>();
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option(
         "FILE", verb->files,
         "the text, UTF-8: files, folders, - for standard input, any of them gzipped; or the examples of a task")
      ->required();
  app.add_flag("--lines", verb->lines,
               "score each line by itself: nats, perplexity, tokens (the line's end among them), unknown ones");
  add_value(app, "--batch", verb->batch, "parts of the text read side by side, each from an empty memory", "N");
  add_value(app, "--threads", verb->threads, "how many to use; 0: as many as the machine has", "N");
  app.add_option(
         "--training", verb->training,
         "the file that was trained on, for predictions that need no network beside the model's: an n-gram's, or "
         "those of a task; where it lies beside FILE or the model under its old name, it is found")
      ->type_name("FILE");
  add_precision(app, verb->precision);
  verb->result.add(app);
  verb->result.add_picture(app,
                           "draw the errors of forecasts and the last of them, or which class was taken for which");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
