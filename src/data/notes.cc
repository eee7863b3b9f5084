// Frames of notes; see notes.h.
#include "data/notes.h"

#include <charconv>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/shown.h"
#include "data/cells.h"
#include "data/lines.h"
#include "sluice/error.h"

namespace sluice {
namespace {

// Sets the notes of a frame in `keys`, which are 0.
void take_frame(std::string_view frame, float* keys, const std::string& place) {
  frame = trimmed(frame);
  if (frame.empty()) refuse_at(place, "notes, or - for none", "nothing");
  if (frame == "-") return;
  while (!frame.empty()) {
    const std::string_view text = frame.substr(0, frame.find_first_of(" \t"));
    frame = trimmed(frame.substr(text.size()));
    std::size_t note = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), note);
    if (error != std::errc{} || end != text.data() + text.size() || note < kLowestNote ||
        note >= kLowestNote + kNotes) {
      refuse_at(place, "notes from 21 to 108", shown(text));
    }
    float& key = keys[note - kLowestNote];
    if (key != 0) refuse_at(place, "each note once", "the note " + std::string(text) + " twice");
    key = 1;
  }
}

void take_piece(std::string_view line, const std::string& place, Sequences& all) {
  std::vector<std::string_view> frames;
  split(line, ';', frames);
  std::size_t steps = all.steps();
  all.values.resize((steps + frames.size()) * kNotes);
  for (std::size_t t = 0; t < frames.size(); ++t, ++steps) {
    take_frame(frames[t], all.values.data() + steps * kNotes, place + ", frame " + std::to_string(t + 1));
  }
  all.starts.push_back(steps);
}

}  // namespace

Sequences read_piece(std::string_view line, const std::string& place) try {
  Sequences one;
  one.name = place;
  one.inputs = kNotes;
  take_piece(line, place, one);
  return one;
} catch (...) {
  rethrow_as_error("notes");
}

Sequences read_notes(const TextSource& source) try {
  Sequences all;
  all.name = source.name;
  all.inputs = kNotes;
  LineReader lines(source);
  for (std::string line; lines.next(line);) {
    if (!trimmed(line).empty()) take_piece(line, lines.place(), all);
  }
  if (all.size() == 0) refuse_at(source.name, "one piece a line", lines.number() == 0 ? "an empty file" : "none");
  return all;
} catch (...) {
  rethrow_as_error("notes");
}

Sequences predict_next_step(const Sequences& all) try {
  Sequences some;
  some.name = all.name;
  some.inputs = some.outputs = all.inputs;
  some.targets_per_step = true;
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (all.length(s) < 2) continue;
    const auto values = all.values_of(s);
    const std::size_t kept = values.size() - all.inputs;
    some.values.insert(some.values.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(kept));
    some.targets.insert(some.targets.end(), values.begin() + static_cast<std::ptrdiff_t>(all.inputs), values.end());
    some.starts.push_back(some.steps() + all.length(s) - 1);
  }
  if (some.size() == 0) refuse_at(all.name, "sequences of 2 steps or more", "none");
  return some;
} catch (...) {
  rethrow_as_error("sequences");
}

std::string notes_text(std::span<const float> frames) {
  std::string text;
  for (std::size_t at = 0; at < frames.size(); at += kNotes) {
    if (at > 0) text += " ; ";
    bool silent = true;
    for (std::size_t key = 0; key < kNotes; ++key) {
      if (frames[at + key] <= 0.5f) continue;
      if (!silent) text += ' ';
      text += std::to_string(kLowestNote + key);
      silent = false;
    }
    if (silent) text += '-';
  }
  return text;
}

}  // namespace sluice
