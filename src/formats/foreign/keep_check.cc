// What another system computed, as the note that a model file keeps of it (formats/model_check.h).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/sentence.h"
#include "formats/foreign/exported.h"
#include "formats/foreign/to_model.h"
#include "formats/model_check.h"
#include "model/model_access.h"
#include "model/network.h"

namespace sluice::foreign {
namespace {

// As a model of text shows its logits.
void softmax(std::vector<double>& row) {
  const double most = *std::ranges::max_element(row);
  double sum = 0;
  for (double& value : row) sum += value = std::exp(value - most);
  for (double& value : row) value /= sum;
}

}  // namespace

std::size_t keep_check(Converted& converted, const Network& network, const Example& example, double tolerance) {
  const sluice::Network& engine = network_of(converted.model);
  const bool each = engine.config().head.at == "steps";
  const std::size_t B = example.batch, outputs = engine.outputs(), K = std::min(outputs, most_check_outputs),
                    width = std::max<std::size_t>(1, engine.config().inputs);
  const std::uint64_t fingerprint = engine.fingerprint();
  std::string text = std::to_string(fingerprint >> 32) + " " + std::to_string(fingerprint & 0xffffffffu);
  std::size_t kept = 0, steps_left = most_check_steps(engine);
  for (std::size_t b = 0; b < B; ++b) {
    std::size_t steps = example.lengths.empty() ? example.steps : static_cast<std::size_t>(example.lengths[b]);
    // Of what reads forward and predicts each step, the first steps are a check too.
    if (each && engine.streams()) steps = std::min(steps, steps_left);
    if (steps == 0 || steps > steps_left) continue;
    std::string sequence = "\n" + std::to_string(steps) + " " + std::to_string(K) + " " + number_text(tolerance);
    for (std::size_t k = 0; k < K; ++k) sequence += " " + std::to_string(k * outputs / K);
    for (std::size_t i = 0; i < steps * width; ++i) {
      sequence += " " + number_text(example.inputs[(i / width * B + b) * width + i % width]);
    }
    for (std::size_t t = 0; t < (each ? steps : 1); ++t) {
      const auto first = example.outputs.begin() + static_cast<std::ptrdiff_t>((t * B + b) * outputs);
      std::vector<double> row(first, first + static_cast<std::ptrdiff_t>(outputs));
      if (converted.logits) softmax(row);
      for (std::size_t k = 0; k < K; ++k) sequence += " " + number_text(row[k * outputs / K]);
    }
    if (text.size() + sequence.size() > most_check_bytes) {
      if (!each || !engine.streams() || kept > 0) continue;
      // A shorter beginning of it fits.
      steps_left = steps / 2;
      --b;
      continue;
    }
    text += sequence;
    steps_left -= steps;
    ++kept;
  }
  if (kept == 0) {
    converted.remarks.emplace_back("no sequence of the check is short enough to be kept in the model file");
    return 0;
  }
  verify_check(engine, text, network.format);
  converted.model.notes()[check_note] = text;
  return kept;
}

ModelCheck check_model(Converted& converted, const Network& network, const std::vector<NamedArray>& arrays,
                       const std::string& path, double tolerance) {
  ModelCheck made;
  made.result = check(network, arrays, [&](const Feed& feed) { return run_model(converted, network, feed); });
  if (!(made.result.largest() <= tolerance)) {
    Sentence sentence;
    sentence << path << ": expected differences of the model up to the tolerance " << tolerance << ", found "
             << made.result.largest();
    throw Error(Status::failed, sentence.str());
  }
  const auto example = example_of(network, arrays, network.inputs[converted.input], network.outputs[converted.output]);
  if (example) made.kept = keep_check(converted, network, *example, 2 * tolerance);
  return made;
}

}  // namespace sluice::foreign
