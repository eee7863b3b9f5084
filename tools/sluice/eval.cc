// sluice eval MODEL FILE
#include <fmt/format.h>

#include <memory>

#include "needs.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Eval {
  std::string model, file;
  Precision precision = Precision::f32;
  std::uint64_t batch = 1, threads = 0;
  ResultFlags result;

  int run() const;
};

int Eval::run() const {
  expect(batch >= 1, "--batch", "1 or more", std::to_string(batch));
  const Model network = load_for("eval", model, precision);
  const Corpus corpus = Corpus::read(file, network.vocabulary());
  const Evaluation e = evaluate(network, corpus, batch, threads);
  Talk talk(false);
  FewerThreads(talk, threads).say(e.threads);
  const auto view = [&](const Style& style) {
    const double share = e.tokens == 0 ? 0 : static_cast<double>(e.unknown) / static_cast<double>(e.tokens);
    const auto row = [&](const char* name, const std::string& value, const std::string& note = "") {
      return fmt::format("{}  {}{}\n", pad_right(name, 16), style.bold(value),
                         note.empty() ? "" : "  " + style.dim(note));
    };
    return row("tokens", std::to_string(e.tokens)) +
           row("unknown", std::to_string(e.unknown), fmt::format("{} of them <unk>", percent(share, 2))) +
           row("nats per token", fmt::format("{:.4f}", e.nats_per_token)) +
           row("bits per token", fmt::format("{:.4f}", e.bits_per_token)) +
           row("perplexity", fmt::format("{:.3f}", e.perplexity)) +
           row("recall at 1", fmt::format("{:.4f}", e.recall_at_1), "share of tokens that were the likeliest") +
           row("recall at 3", fmt::format("{:.4f}", e.recall_at_3), "share that were among the three likeliest");
  };
  show(result, view, [&]() -> Json {
    return {{"tokens", e.tokens},
            {"unknown", e.unknown},
            {"nats_per_token", e.nats_per_token},
            {"perplexity", e.perplexity},
            {"bits_per_token", e.bits_per_token},
            {"recall_at_1", e.recall_at_1},
            {"recall_at_3", e.recall_at_3}};
  });
  return 0;
}

}  // namespace

Action add_eval(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Eval>();
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("FILE", verb->file, "the text, UTF-8; - is standard input")->required();
  add_value(app, "--batch", verb->batch, "parts of the text read side by side, each from an empty memory", "N");
  add_value(app, "--threads", verb->threads, "how many to use; 0: as many as the machine has", "N");
  add_precision(app, verb->precision);
  verb->result.add(app);
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
