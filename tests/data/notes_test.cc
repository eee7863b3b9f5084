// Frames of notes: what is read, what is refused, and pieces as text.
#include "data/notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "data/reader.h"
#include "data/sources.h"
#include "errors.h"

namespace sluice::notes_test {
namespace {

using ::testing::ElementsAre;

Sequences notes(const std::string& text) { return read_notes(test::source_of(text)); }

// The pitches that sound in a frame.
std::vector<std::size_t> sounding(const std::vector<float>& values, std::size_t step) {
  std::vector<std::size_t> pitches;
  for (std::size_t key = 0; key < kNotes; ++key) {
    if (values[step * kNotes + key] == 1) pitches.push_back(kLowestNote + key);
  }
  return pitches;
}

TEST(NotesTest, FramesOfPieces) {
  const Sequences all = notes("60 64 67 ; - ; 21\n\n108 ; 62 60\n");
  EXPECT_EQ(all.inputs, kNotes);
  EXPECT_THAT(all.starts, ElementsAre(0, 3, 5));
  EXPECT_THAT(sounding(all.values, 0), ElementsAre(60, 64, 67));
  EXPECT_THAT(sounding(all.values, 1), ElementsAre());
  EXPECT_THAT(sounding(all.values, 2), ElementsAre(21));
  EXPECT_THAT(sounding(all.values, 3), ElementsAre(108));
  EXPECT_THAT(sounding(all.values, 4), ElementsAre(60, 62));
  EXPECT_EQ(notes_text(all.values_of(0)), "60 64 67 ; - ; 21");
  EXPECT_EQ(notes_text(all.values_of(1)), "108 ; 60 62");
}

TEST(NotesTest, TheNextFrameIsTheTarget) {
  const Sequences next = predict_next_step(notes("60 ; 61 ; 62\n70\n80 ; 81\n"));
  EXPECT_THAT(next.starts, ElementsAre(0, 2, 3));
  EXPECT_TRUE(next.targets_per_step);
  EXPECT_EQ(next.outputs, kNotes);
  EXPECT_THAT(sounding(next.values, 1), ElementsAre(61));
  EXPECT_THAT(sounding(next.targets, 1), ElementsAre(62));
  EXPECT_THAT(sounding(next.values, 2), ElementsAre(80));
  EXPECT_THAT(sounding(next.targets, 2), ElementsAre(81));
  EXPECT_EQ(test::error_of(Status::bad_file, [] { predict_next_step(notes("60\n61\n")); }),
            "data: expected sequences of 2 steps or more, found none");
}

TEST(NotesTest, WhatDoesNotFitIsNamedWithItsFrame) {
  const auto refused = [](const std::string& text) { return test::error_of(Status::bad_file, [&] { notes(text); }); };
  EXPECT_EQ(refused("\n"), "data: expected one piece a line, found none");
  EXPECT_EQ(refused("60 ; 61\n60 ; \n"), "data, line 2, frame 2: expected notes, or - for none, found nothing");
  EXPECT_EQ(refused("60 109\n"), "data, line 1, frame 1: expected notes from 21 to 108, found \"109\"");
  EXPECT_EQ(refused("20\n"), "data, line 1, frame 1: expected notes from 21 to 108, found \"20\"");
  EXPECT_EQ(refused("60 - 61\n"), "data, line 1, frame 1: expected notes from 21 to 108, found \"-\"");
  EXPECT_EQ(refused("60 ; 61 61\n"), "data, line 1, frame 2: expected each note once, found the note 61 twice");
}

TEST(NotesTest, PublishedFiles) {
  SLUICE_NEEDS_DATA("music");
  const Sequences jsb = read_notes(file_source(test::data_folder() + "/music/JSB_Chorales.test.txt"));
  EXPECT_EQ(jsb.size(), 77u);
  EXPECT_THAT(sounding(jsb.values, 0), ElementsAre(72, 76, 79, 84));
  EXPECT_EQ(read_notes(file_source(test::data_folder() + "/music/Nottingham.test.txt")).size(), 170u);
}

}  // namespace
}  // namespace sluice::notes_test
