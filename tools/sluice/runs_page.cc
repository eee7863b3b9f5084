#include "runs_page.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "page.h"
#include "sluice/explain.h"

namespace sluice::tool {
namespace {

// The word on which the answers of all hang most, as a share of what each hangs on; but for the word after which they
// are asked, for behind that there is nothing to follow.
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

// The explanation of one text by each, as JSON.
std::vector<std::string> explain_all(const std::vector<const CompareRun*>& runs, const std::string& text) {
  ExplainOptions options;
  options.horizon.reset();
  std::vector<Explanation> explanations;
  explanations.reserve(runs.size());
  for (const CompareRun* run : runs) explanations.push_back(explain(run->model, text, options));
  const std::size_t at = word_to_follow(explanations);
  std::vector<std::string> objects;
  objects.reserve(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Model& model = runs[i]->model;
    explanations[i].horizon = horizon(model, model.vocabulary().encode(text), at, Vocabulary::unknown);
    objects.push_back(to_json(model, explanations[i], {.name = runs[i]->result.cell}));
  }
  return objects;
}

}  // namespace

std::string runs_page(const std::vector<CompareRun>& runs, std::span<const std::string> texts, const Json& comparison) {
  std::vector<const CompareRun*> first_seed;
  for (const CompareRun& run : runs) {
    if (run.result.seed == runs.front().result.seed) first_seed.push_back(&run);
  }
  std::vector<std::vector<std::string>> objects;
  objects.reserve(texts.size());
  for (const std::string& text : texts) objects.push_back(explain_all(first_seed, text));
  return page_with_data(page_data(objects, comparison.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

}  // namespace sluice::tool
