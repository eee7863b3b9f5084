// Pieces of music that a model goes on with.
#pragma once

#include <cstdint>
#include <string>

#include "output.h"
#include "sluice/sluice.h"

namespace sluice::tool {

struct MusicOptions {
  std::size_t frames = 0;  // of continuation
  double temperature = 1;
  std::uint64_t seed = 1;
  std::size_t top = 5;  // likeliest notes of the next frame, where there is no continuation
};

struct MusicCompletion {
  std::string piece;         // as it was given, "60 64 ; 62"
  std::string continuation;  // frames in the same form
  std::vector<std::pair<std::size_t, float>>
      likeliest;  // notes of the frame behind the piece, with their probabilities
};

// Each note of a frame is drawn by itself, from the probability that the model gives it, whose logit is divided by the
// temperature; at 0 it sounds where that is above a half. `place` is where the piece stands, for messages. Throws
// Error: usage (a model that does not stream), bad_file (a piece that is none).
MusicCompletion complete_music(const Model& model, const std::string& piece, const std::string& place,
                               const MusicOptions& options);
std::string music_page(const Style& style, const MusicCompletion& done);
Json music_json(const MusicCompletion& done);

}  // namespace sluice::tool
