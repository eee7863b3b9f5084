// Music as frames of notes: which of the keys of a piano sound at each step.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "data/sequences.h"
#include "sluice/data.h"

namespace sluice {

inline constexpr std::size_t kLowestNote = 21, kNotes = 88;  // MIDI pitches: the keys of a piano, 21 to 108

// One piece a line: frames separated by ';', each of MIDI pitches separated by blanks, '-' where none sounds. A step of
// the sequences has kNotes inputs, 1 for each note that sounds and 0 for the others. Throws Error (bad_file) with the
// line and the frame: an empty frame, a note beyond a piano's, the same note twice in a frame.
Sequences read_notes(const TextSource& source);

// One piece, a line as read_notes() reads it; `place` names it in messages.
Sequences read_piece(std::string_view line, const std::string& place);

// The sequences without their last step, each step with the one after it as its target. Sequences of one step, after
// which nothing comes, are left out. Throws Error (bad_file) where that leaves none.
Sequences predict_next_step(const Sequences& all);

// Frames [steps, kNotes] as a line that read_notes() reads; a note sounds where its number is above a half.
std::string notes_text(std::span<const float> frames);

}  // namespace sluice
