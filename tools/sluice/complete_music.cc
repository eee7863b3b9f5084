#include "complete_music.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "data/notes.h"
#include "options.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

bool sounds(float probability, double temperature, Random& random) {
  const auto p = static_cast<double>(probability);
  if (temperature == 0) return p > 0.5;
  const double logit = std::log(p) - std::log1p(-p);
  return random.uniform() < 1 / (1 + std::exp(-logit / temperature));
}

}  // namespace

MusicCompletion complete_music(const Model& model, const std::string& piece, const std::string& place,
                               const MusicOptions& options) {
  expect(model.streams(), "MODEL", "one that reads forward alone, to go on with a piece", "another");
  const Sequences read = read_piece(piece, place);
  Stream stream(model);
  for (std::size_t t = 0; t < read.steps(); ++t) stream.step(read.values_of(0).subspan(t * kNotes, kNotes));
  MusicCompletion done = {notes_text(read.values), "", {}};
  std::vector<std::size_t> order(kNotes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return stream.output()[a] > stream.output()[b]; });
  for (std::size_t k = 0; k < std::min(options.top, kNotes); ++k) {
    done.likeliest.emplace_back(kLowestNote + order[k], stream.output()[order[k]]);
  }
  Random random(options.seed);
  std::vector<float> frames, frame(kNotes);
  for (std::size_t t = 0; t < options.frames; ++t) {
    for (std::size_t key = 0; key < kNotes; ++key) {
      frame[key] = sounds(stream.output()[key], options.temperature, random) ? 1.f : 0.f;
    }
    frames.insert(frames.end(), frame.begin(), frame.end());
    stream.step(frame);
  }
  done.continuation = notes_text(frames);
  return done;
}

std::string music_page(const Style& style, const MusicCompletion& done) {
  if (!done.continuation.empty()) {
    return done.piece + " ; " + (style.terminal ? style.colour(done.continuation, colours::blue) : done.continuation) +
           '\n';
  }
  std::string page;
  for (const auto& [note, probability] : done.likeliest) page += fmt::format("{}\t{:.4f}\n", note, probability);
  return page;
}

Json music_json(const MusicCompletion& done) {
  Json notes = Json::array();
  for (const auto& [note, probability] : done.likeliest) {
    notes.push_back({{"note", note}, {"probability", tidy(probability)}});
  }
  return {{"piece", done.piece}, {"continuation", done.continuation}, {"notes", notes}};
}

}  // namespace sluice::tool
