// sluice explain MODEL TEXT
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/fields.h"
#include "example_text.h"
#include "explain/facts.h"
#include "explain_example.h"
#include "explain_view.h"
#include "input.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "page.h"
#include "unit_corpus.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

// The words of the text, so that one can be named instead of counted.
class WordList {
 public:
  WordList(const Model& model, const std::string& text) : unit_(unit_name(model)) {
    model.vocabulary().encode(text, &words_);
  }
  WordList(std::string_view unit, std::vector<std::string> words) : unit_(unit), words_(std::move(words)) {}

  // "samosa", where it stands once, or "@2".
  std::size_t find(std::string_view flag, const std::string& name) const {
    if (name.starts_with("@") && name.size() > 1) {
      std::uint64_t number = 0;
      read_value(flag, std::string_view(name).substr(1), number);
      expect(number < words_.size(), flag, fmt::format("a {} 0 to {}", unit_, words_.size() - 1), name);
      return number;
    }
    const auto count = std::count(words_.begin(), words_.end(), name);
    expect(count == 1, flag, fmt::format("a {} that stands once in the text, or @ and its number from 0", unit_),
           count == 0 ? name : fmt::format("{} ({} times)", name, count));
    return static_cast<std::size_t>(std::find(words_.begin(), words_.end(), name) - words_.begin());
  }

 private:
  std::string_view unit_;
  std::vector<std::string> words_;
};

struct Explain {
  Invocation typed;
  std::string model;
  std::vector<std::string> words;
  std::vector<std::string> replace, remove, clamp;
  std::vector<std::string> units;
  std::string at, answer, horizon, carried_from;
  std::vector<std::string> corpus;
  std::uint64_t seed = 1;
  std::size_t top = 5;
  bool quick = false;
  ResultFlags result;

  int run() const;
  int run_example(const Model& network, const Task& task, const std::string& text) const;
  ExplainOptions options(const Model& network, const std::string& text) const;
};

// "NAME=VALUE" in its two parts.
std::pair<std::string, std::string> assignment(std::string_view flag, std::string_view expected,
                                               const std::string& text) {
  const std::size_t sign = text.find('=', 1);
  expect(sign != std::string::npos && sign + 1 < text.size(), flag, expected, text);
  return {text.substr(0, sign), text.substr(sign + 1)};
}

// "retain=1,words=3-20,units=0+7,layer=0"; all but the first may be left out.
Clamp read_clamp(const std::string& text) {
  constexpr std::string_view flag = "--clamp";
  constexpr std::string_view expected = "GATE=VALUE, then as wanted words=FIRST-LAST, units=N+N and layer=N, by commas";
  Clamp clamp;
  for (const std::string& part : split(text, ',')) {
    const auto [name, value] = assignment(flag, expected, part);
    std::uint64_t number = 0;
    if (name == "words") {
      const std::vector<std::string> ends = split(value, '-');
      expect(ends.size() == 1 || ends.size() == 2, flag, expected, text);
      read_value("--clamp words", ends.front(), number);
      clamp.first = number;
      read_value("--clamp words", ends.back(), number);
      clamp.last = number;
    } else if (name == "units") {
      for (const std::string& unit : split(value, '+')) {
        read_value("--clamp units", unit, number);
        clamp.units.push_back(number);
      }
    } else if (name == "layer") {
      read_value("--clamp layer", value, number);
      clamp.layer = number;
    } else {
      expect(clamp.gate.empty(), flag, expected, text);
      clamp.gate = name;
      read_value(fmt::format("--clamp {}", name), value, clamp.value);
    }
  }
  expect(!clamp.gate.empty(), flag, expected, text);
  return clamp;
}

ExplainOptions Explain::options(const Model& network, const std::string& text) const {
  const WordList list(network, text);
  ExplainOptions o;
  o.top = top;
  o.answer = answer;
  o.leave_one_out = !quick;
  if (quick) o.ablation.reset();
  if (!carried_from.empty()) o.ablation = AblationQuestion{list.find("--carried-from", carried_from)};
  for (const std::string& one : units) o.microscope->units.push_back(read_unit(one));
  if (!at.empty()) o.at = list.find("--at", at);
  for (const std::string& one : replace) {
    const auto [word, with] = assignment("--replace", "WORD=OTHER", one);
    o.changes.replace.push_back({list.find("--replace", word), with});
  }
  for (const std::string& one : remove) o.changes.remove.push_back(list.find("--delete", one));
  for (const std::string& one : clamp) o.changes.clamp.push_back(read_clamp(one));
  if (!horizon.empty()) {
    const bool other = horizon.find('=', 1) != std::string::npos;
    const auto [word, with] = other ? assignment("--horizon", "WORD or WORD=OTHER", horizon)
                                    : std::pair(horizon, std::string(Vocabulary::unknown_text));
    o.horizon = HorizonQuestion{list.find("--horizon", word), with};
  }
  return o;
}

std::vector<std::string> unknown_words(const Reading& reading) {
  std::vector<std::string> unknown;
  for (const Word& word : reading.words) {
    if (word.token != Vocabulary::unknown) continue;
    if (std::find(unknown.begin(), unknown.end(), word.text) == unknown.end()) unknown.push_back(word.text);
  }
  return unknown;
}

// Of a class or a tag: what becomes of it without each word.
int Explain::run_example(const Model& network, const Task& task, const std::string& text) const {
  const auto only = [&](bool given, std::string_view flag) {
    expect(!given, flag, "it with a model of language", fmt::format("one for {}", field_text(task.kind)));
  };
  only(top != 5, "--top");
  only(!horizon.empty(), "--horizon");
  only(!carried_from.empty(), "--carried-from");
  only(!units.empty(), "--unit");
  only(quick, "--quick");
  only(!replace.empty(), "--replace");
  only(!remove.empty(), "--delete");
  only(!clamp.empty(), "--clamp");
  only(!result.html.empty(), "--html");
  only(!corpus.empty(), "--corpus");
  expect(at.empty() || task.kind == TaskKind::tag, "--at", "it with a model of language or one that tags words",
         fmt::format("one for {}", field_text(task.kind)));
  const ExampleText read = read_example_text(network, task, text);
  ExampleQuestion question;
  question.answer = answer;
  if (!at.empty()) question.at = WordList("word", read.words).find("--at", at);
  const ExampleExplanation explanation = explain_example(network, task, read, question);
  const auto view = [&](const Style& style) { return draw_explanation(style, explanation); };
  show(result, view, [&] { return to_json(explanation); });
  flush();
  draw_picture(result, typed.line(typed.program, {"--svg"}, {"--force"}), view);
  return 0;
}

int Explain::run() const {
  expect(top >= 1, "--top", "1 or more", std::to_string(top));
  expect(corpus.empty() || !quick, "--corpus", "it without --quick, which replaces no word",
         corpus.empty() ? "" : corpus[0]);
  result.check();
  const Model network = load_for("explain", model);
  const std::string text = text_argument(words, network.vocabulary().text().lossy);
  if (const Task task = task_of(network, model); task.kind != TaskKind::language) {
    return run_example(network, task, text);
  }
  ExplainOptions asked = options(network, text);
  std::optional<CorpusWords> other_words;
  if (!corpus.empty()) {
    const UnitCorpus read = read_units_files(network, {}, corpus);
    if (read.size() == 0) throw Error(Status::bad_file, read.name + ": expected a text, found none");
    other_words.emplace(read.sequences.tokens, network.vocabulary().size(), seed);
    asked.words = &*other_words;
  }
  const Explanation explanation = explain(network, text, asked);
  const auto json = [&] { return to_json(network, explanation, {.name = model_name(model)}); };
  const auto view = [&](const Style& style) { return draw_explanation(style, network, explanation); };
  if (result.json) {
    print_json_text(json());
  } else {
    print(view(style_of(1)));
  }
  flush();
  write_page(result, [&] { return page_with_data(page_data({{json()}})); });
  Console console(result.json);
  const std::vector<Word>& read = explanation.reading.words;
  say_unknown(console, unit_name(network), unknown_words(explanation.reading),
              std::all_of(read.begin(), read.end(), [](const Word& w) { return w.token == Vocabulary::unknown; }));
  draw_picture(result, typed.line(typed.program, {"--svg", "--html"}, {"--force"}), view);
  return 0;
}

}  // namespace

Action add_explain(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Explain>();
  verb->typed = typed;
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("TEXT", verb->words, "the text to read; - is standard input")->required();
  app.add_option(
         "--at", verb->at,
         "the word after which to ask what comes next, or whose tag to ask for: itself or @ and its number from 0")
      ->type_name("WORD")
      ->default_str("the last");
  app.add_option("--answer", verb->answer, "the word, class or tag whose probability is explained")
      ->type_name("WORD")
      ->default_str("the likeliest");
  add_value(app, "--top", verb->top, "how many likeliest next words to show", "N");
  app.add_option("--horizon", verb->horizon, "follow the trace of this word, instead of <unk> or of another")
      ->type_name("WORD[=OTHER]")
      ->default_str("the word that counts most");
  app.add_option("--carried-from", verb->carried_from, "rank units by what they carry from this word on")
      ->type_name("WORD")
      ->default_str("the word that counts most");
  app.add_option("--unit", verb->units, "the numbers in the equations of this unit, in --json and --html")
      ->type_name("[LAYER:]UNIT")
      ->take_all()
      ->allow_extra_args(false)
      ->default_str("the 16 that carry most");
  app.add_option(
         "--corpus", verb->corpus,
         "in --json and --html, each word is also replaced by words that stand in this text behind the same word, "
         "such as what was trained on; repeatable")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false)
      ->default_str("by those that the model expected most");
  add_value(app, "--seed", verb->seed, "of the draws from it", "N");
  app.add_flag("--quick", verb->quick, "gradients alone, no reading without each word or unit: for long texts");
  const std::string group = "What if";
  const auto several = [&](const std::string& flag, std::vector<std::string>& values, const std::string& help,
                           const std::string& type) {
    app.add_option(flag, values, help)->type_name(type)->group(group)->take_all()->allow_extra_args(false);
  };
  several("--replace", verb->replace, "another word in the place of one", "WORD=OTHER");
  several("--delete", verb->remove, "without this word", "WORD");
  several("--clamp", verb->clamp, "a gate held at a value: retain=1,words=3-20,units=0+7,layer=0", "GATE=VALUE");
  verb->result.add(app);
  verb->result.add_picture(app);
  verb->result.add_page(app);
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
