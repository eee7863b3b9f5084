// sluice complete MODEL [TEXT]
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "complete_music.h"
#include "completion.h"
#include "data/lines.h"
#include "data/reader.h"
#include "explain/facts.h"
#include "input.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "tasks/task.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Complete {
  Invocation typed;
  std::string model;
  std::vector<std::string> words;
  CompletionOptions options;
  Precision precision = Precision::f32;
  bool top_given = false, quiet = false;
  bool filtered = false, heat_given = false;  // --top-p or --top-k; --temp
  bool asking = false;                        // a person types the prompts and has them before their eyes
  std::vector<std::string> stop;
  ResultFlags result;

  int run();
  void check();
  void answer(const Model& network, const std::string& prompt) const;
  // Calls answer(line, its place) for every line of standard input; `what` is what a person is asked to type.
  template <class F>
  int answer_lines(const std::string& what, bool lossy, F&& answer);
  void answer_music(const Model& network, const std::string& piece, const std::string& place) const;
  int run_music(const Model& network, bool lines);
  std::string page(const Style& style, const Completion& done) const;
};

void Complete::check() {
  const SampleOptions& s = options.sample;
  expect(options.top >= 1, "--top", "1 or more", std::to_string(options.top));
  expect(s.temperature >= 0, "--temp", "0 or more", field_text(s.temperature));
  expect(s.top_p > 0 && s.top_p <= 1, "--top-p", "more than 0 and at most 1", field_text(s.top_p));
  for (const std::string& one : stop) {
    expect(!one.empty(), "--stop", "a token or a text", "an empty one");
    options.stop.push_back(unescaped(one));
  }
  expect(stop.empty() || options.tokens > 0, "--stop", "-n N beside it, the most tokens to go on by", "none");
  result.check();
}

std::string Complete::page(const Style& style, const Completion& done) const {
  std::string drawn;
  if (options.tokens > 0) {
    // A program gets the text as it is.
    drawn = style.terminal ? printable(done.prompt) + style.colour(printable(done.continuation), colours::blue)
                           : done.prompt + done.continuation;
    drawn += "\n";
  } else if (style.terminal && !asking) {
    for (const std::string& line : wrapped(printable(done.prompt), style.width - 1)) drawn += line + "\n";
  }
  if (options.tokens > 0 && top_given) drawn += "\n";
  if (options.tokens == 0 || top_given) drawn += draw_candidates(style, done.candidates, "  ");
  return drawn;
}

void Complete::answer(const Model& network, const std::string& prompt) const {
  Console console(quiet);
  const Style style = style_of(1);
  const bool live = style.terminal && options.tokens > 0 && !result.json;  // the text is seen as it is drawn
  if (live) print(printable(prompt));
  const auto piece = [&](std::string_view text) {
    print(style.colour(printable(text), colours::blue));
    flush();
  };
  const Completion done = live ? complete(network, prompt, options, piece) : complete(network, prompt, options);
  if (live) {
    print("\n" + (top_given ? "\n" + draw_candidates(style, done.candidates, "  ") : ""));
  } else {
    show(
        result, [&](const Style& s) { return page(s, done); }, [&] { return to_json(done); });
  }
  draw_picture(result, typed.line(typed.program, {"--svg"}, {"--force"}),
               [&](const Style& s) { return page(s, done); });
  flush();
  say_unknown(console, unit_name(network), done.unknown, done.all_unknown);
}

// One answer a line until the input ends.
template <class F>
int Complete::answer_lines(const std::string& what, bool lossy, F&& answer) {
  asking = isatty(0) == 1;
  Console console(quiet || !asking);
  console.say(fmt::format("type the beginning of {}; Ctrl-D ends", what));
  LineReader lines(file_source("-"), lossy);
  int code = 0;
  std::string line;
  while (true) {
    if (asking && !quiet) std::fputs("\n> ", stderr);
    try {
      if (!lines.next(line)) break;
      if (line.empty() && asking) continue;
      const bool apart = !asking && !result.json && options.tokens == 0;  // each answer under its question
      if (apart) print(printable(line) + "\n");
      answer(line, lines.place());
      if (apart) print("\n");
    } catch (const Error& error) {
      // One line that is no text leaves the others to be answered.
      if (error.status() == Status::failed || lines.number() == 0) throw;
      code = static_cast<int>(error.status());
      refuse_line(result, error, lines.number());
    }
  }
  console.say("");
  return code;
}

// A piece goes on with frames of notes in the place of tokens.
void Complete::answer_music(const Model& network, const std::string& piece, const std::string& place) const {
  const double temperature = heat_given ? options.sample.temperature : 1;
  const MusicOptions music = {options.tokens, temperature, options.seed, options.top};
  const MusicCompletion done = complete_music(network, piece, place, music);
  show(
      result, [&](const Style& style) { return music_page(style, done); }, [&] { return music_json(done); });
  draw_picture(result, typed.line(typed.program, {"--svg"}, {"--force"}),
               [&](const Style& style) { return music_page(style, done); });
  flush();
}

int Complete::run_music(const Model& network, bool lines) {
  expect(!filtered && stop.empty(), "--top-p, --top-k and --stop", "none for music", "one");
  const auto answer_piece = [&](const std::string& piece, const std::string& place) {
    answer_music(network, piece, place);
  };
  if (lines) return answer_lines("a piece, as 60 64 ; 62", false, answer_piece);
  answer_piece(text_argument(words, false), "TEXT");
  return 0;
}

int Complete::run() {
  check();
  const bool lines = words.empty() || (words.size() == 1 && words.front() == "-");
  if (lines) expect(result.svg.empty(), "--svg", "a TEXT to draw", "lines of standard input");
  const Model opened = open_model(model);
  if (task_of(opened, model).kind == TaskKind::music) return run_music(opened, lines);
  const Model network = load_for("complete", model, precision);
  if (lines) {
    return answer_lines("a text", network.vocabulary().text().lossy,
                        [&](const std::string& line, const std::string&) { answer(network, line); });
  }
  answer(network, text_argument(words, false));
  return 0;
}

}  // namespace

Action add_complete(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Complete>();
  verb->typed = typed;
  verb->options.sample.temperature = 0.8;
  verb->options.sample.top_p = 0.95;
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("TEXT", verb->words,
                 "the beginning of a text, or of a piece of music (\"60 64 ; 62\"); without it (or with -), each line "
                 "of standard input");
  add_value(app, "-n,--tokens", verb->options.tokens, "continue the text by so many tokens", "N");
  CLI::Option* top = add_value(app, "--top", verb->options.top, "how many likeliest next tokens to show", "N");
  CLI::Option* heat = add_value(app, "--temp", verb->options.sample.temperature,
                                "of -n: below 1 safer, above 1 more varied, 0 always the likeliest", "X");
  CLI::Option* top_p = add_value(app, "--top-p", verb->options.sample.top_p,
                                 "of -n: draw from the likeliest tokens that hold this share", "X");
  CLI::Option* top_k = add_value(app, "--top-k", verb->options.sample.top_k,
                                 "of -n: draw from so many likeliest tokens; 0: from all", "N");
  add_value(app, "--seed", verb->options.seed, "of -n: another number, another text", "N");
  app.add_option("--stop", verb->stop, "of -n: end before this token or text; \\n is a line end; more than once: any")
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false);
  add_precision(app, verb->precision);
  verb->result.add(app);
  verb->result.add_picture(app);
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but errors and the result");
  return [verb, top, heat, top_p, top_k] {
    verb->top_given = top->count() > 0;
    verb->heat_given = heat->count() > 0;
    verb->filtered = top_p->count() > 0 || top_k->count() > 0;
    return verb->run();
  };
}

}  // namespace sluice::tool
