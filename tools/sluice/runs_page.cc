#include "runs_page.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lessons/favourites.h"
#include "page.h"
#include "sluice/explain.h"

namespace sluice::tool {
namespace {

// The word on which the answers of all depend most, as a share of what each depends on; but for the word after which
// they are asked, for behind that there is nothing to follow.
std::size_t word_to_follow(const std::vector<Explanation>& explanations) {
  std::vector<double> shares(std::max<std::size_t>(1, explanations.front().connectivity.at));
  for (const Explanation& one : explanations) {
    const std::vector<double>& nats = one.connectivity.leave_one_out;
    const double sum =
        std::accumulate(nats.begin(), nats.end(), 1e-12, [](double s, double v) { return s + std::abs(v); });
    for (std::size_t i = 0; i < std::min(shares.size(), nats.size()); ++i) shares[i] += std::abs(nats[i]) / sum;
  }
  return static_cast<std::size_t>(std::max_element(shares.begin(), shares.end()) - shares.begin());
}

// The experiment as a change of what the model reads; nothing for a cell without such a gate, or whose vocabulary cuts
// the text so that the words do not stand in it.
Changes experiment(const Model& model, const PageText& text) {
  const auto gate = keeping_gate(model.cell());
  std::vector<std::string> words;
  model.vocabulary().encode(text.text, &words);
  const auto first = std::find(words.begin(), words.end(), text.hold_first);
  const auto last = std::find(first, words.end(), text.hold_last);
  if (!gate || last == words.end()) return {};
  Clamp clamp{.gate = std::string(model.cell().gates[*gate].name), .value = 1};
  clamp.first = static_cast<std::size_t>(first - words.begin());
  clamp.last = static_cast<std::size_t>(last - words.begin());
  return {.clamp = {clamp}};
}

// The explanation of one text by each, as JSON.
std::vector<std::string> explain_all(const std::vector<const CompareRun*>& runs, const PageText& page_text) {
  const std::string& text = page_text.text;
  std::vector<Explanation> explanations;
  explanations.reserve(runs.size());
  for (const CompareRun* run : runs) {
    ExplainOptions options;
    options.horizon.reset();
    options.changes = experiment(run->model, page_text);
    explanations.push_back(explain(run->model, text, options));
  }
  const std::size_t at = word_to_follow(explanations);
  std::vector<std::string> objects;
  objects.reserve(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Model& model = runs[i]->model;
    ExplainOptions trace{.leave_one_out = false, .horizon = HorizonQuestion{.at = at}};
    trace.ablation.reset();
    trace.microscope.reset();
    Explanation traced = explain(model, text, trace);
    explanations[i].horizon = std::move(traced.horizon);
    explanations[i].usable = std::move(traced.usable);
    objects.push_back(to_json(model, explanations[i], {.name = runs[i]->result.cell}));
  }
  return objects;
}

}  // namespace

std::vector<PageText> favourites_texts() {
  return {{std::string(favourites::first_text)},
          {std::string(favourites::second_text), std::string(favourites::first_answer), "cheese"}};
}

std::string runs_page(const std::vector<CompareRun>& runs, std::span<const PageText> texts, const Json& comparison) {
  std::vector<const CompareRun*> first_seed;
  for (const CompareRun& run : runs) {
    if (run.result.seed == runs.front().result.seed) first_seed.push_back(&run);
  }
  std::vector<std::vector<std::string>> objects;
  objects.reserve(texts.size());
  for (const PageText& text : texts) objects.push_back(explain_all(first_seed, text));
  return page_with_data(page_data(objects, comparison.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

}  // namespace sluice::tool
