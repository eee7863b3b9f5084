// What a class, a tag or a frame of notes may depend on, on networks and files drawn at random: nothing of other
// sequences, nothing that comes after it where nothing reads backward, but the last that was observed.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/random.h"
#include "data/notes.h"
#include "data/sources.h"
#include "sluice/stream.h"
#include "sluice/train.h"
#include "tasks/examples.h"

namespace sluice::sequence_leakage_test {
namespace {

using test::number_text;
using test::source_of;

// A model with random weights on sequences of numbers, of tokens, or of frames of notes.
struct DrawnModel {
  Config config;
  bool whole = false, forward = false;  // a prediction for a sequence, not for each of its steps; none looks ahead
};

DrawnModel draw_model(std::uint64_t seed, TaskKind kind, std::size_t inputs, std::size_t outputs) {
  Random random(seed, 7);
  DrawnModel d;
  d.config.inputs = inputs;
  d.config.outputs = outputs;
  constexpr const char* kDirections[] = {"forward", "backward", "both", "sum"};
  constexpr const char* kCells[] = {"rnn", "lstm", "gru", "gru-reset-after"};
  constexpr const char* kAt[] = {"last", "mean", "max"};
  const std::size_t direction = kind == TaskKind::music ? 0 : random.below(4);
  for (std::size_t layers = 1 + random.below(2); layers > 0; --layers) {
    LayerConfig layer;
    layer.cell = kCells[random.below(4)];
    layer.units = 5 + random.below(6);
    layer.direction = kDirections[direction];
    d.config.stack.push_back(layer);
  }
  d.forward = direction == 0;
  d.whole = kind == TaskKind::classify;
  d.config.head.loss = kind == TaskKind::music ? "multilabel" : "softmax";
  if (d.whole) d.config.head.at = kAt[direction == 3 ? 1 + random.below(2) : random.below(3)];  // sum has no last
  if (inputs == 0) d.config.embedding = 6;
  return d;
}

// What a sequence gives: its own, or that of each of its steps.
std::vector<float> output_of(const Model& model, const DrawnModel& d, const Sequences& all, std::size_t s,
                             const std::vector<float>& y) {
  const std::size_t width = model.outputs();
  const std::size_t first = d.whole ? s : all.starts[s], last = d.whole ? s + 1 : all.starts[s + 1];
  return {y.begin() + std::ptrdiff_t(first * width), y.begin() + std::ptrdiff_t(last * width)};
}

// Files of sequences, each as a text: `file(parts)` is the file that holds them, `part(random)` draws one, and
// `last(part)` changes what it observed last.
struct Files {
  TaskKind kind;
  Task task;
  std::function<std::string(Random&)> part;
  std::function<std::string(const std::string&)> last;
  std::string head, between;
  std::size_t inputs = 0, outputs = 3;
};

void check_sequences(const Files& files, std::uint64_t seed) {
  Random random(seed);
  const DrawnModel d = draw_model(seed, files.kind, files.inputs, files.outputs);
  std::optional<Vocabulary> vocabulary;
  if (files.inputs == 0) {
    TextOptions text;
    text.level = files.kind == TaskKind::classify ? Level::character : Level::pretokenized;
    vocabulary.emplace(text, std::vector<std::string>{"<unk>", "a", "b", "c", "d"});
  }
  const Model model = vocabulary ? Model(d.config, *vocabulary, seed) : Model(d.config, seed);
  const auto read = [&](const std::vector<std::string>& parts) {
    std::string text = files.head;
    for (const std::string& one : parts) text += one + files.between;
    Examples all = read_examples(files.task, "file", [&](const std::string&) { return source_of(text); },
                                 {.labels = false, .inputs = files.inputs});
    if (vocabulary) encode(*vocabulary, all);
    return all.sequences;
  };
  std::vector<std::string> parts;
  for (std::size_t n = 2 + random.below(5); n > 0; --n) parts.push_back(files.part(random));
  const std::size_t s = random.below(parts.size());
  const Sequences all = read(parts);
  RC_ASSERT(all.size() == parts.size());
  const std::size_t batch = 1 + random.below(4);
  const auto found = output_of(model, d, all, s, predict(model, all, batch, 1));
  // Alone, among others, and in another order.
  const Sequences alone = read({parts[s]});
  RC_ASSERT(output_of(model, d, alone, 0, predict(model, alone, 1, 1)) == found);
  std::vector<std::string> others;
  for (const std::string& one : parts) others.push_back(&one == &parts[s] ? one : files.part(random));
  const Sequences among = read(others);
  RC_ASSERT(output_of(model, d, among, s, predict(model, among, batch, 2)) == found);
  // What it observed last is in it; of steps that look back alone, only in the last.
  Sequences changed = read({files.last(parts[s])});
  RC_ASSERT(changed.steps() == alone.steps());
  const auto after = output_of(model, d, changed, 0, predict(model, changed, 1, 1));
  if (d.config.head.at != "max") RC_ASSERT(after != found);  // of which the last step need not be the largest
  if (!d.whole && d.forward) {
    const std::size_t before = found.size() - model.outputs();
    RC_ASSERT(std::equal(found.begin(), found.begin() + std::ptrdiff_t(before), after.begin()));
  }
  if (!d.forward || vocabulary) return;
  // A stream that is put away and taken up again, step by step, is the whole.
  if (d.whole && d.config.head.at != "last") return;
  Stream stream(model), later(model);
  const std::size_t steps = alone.steps(), cut = random.below(steps);
  std::vector<float> streamed;
  for (std::size_t t = 0; t < steps; ++t) {
    Stream& now = t <= cut ? stream : later;
    now.step(std::span(alone.values).subspan(t * files.inputs, files.inputs));
    if (t == cut) later.set_state(stream.state());
    if (!d.whole) streamed.insert(streamed.end(), now.output().begin(), now.output().end());
    if (d.whole && t + 1 == steps) streamed.assign(now.output().begin(), now.output().end());
  }
  RC_ASSERT(streamed == found);
}

std::string letters(Random& random, const std::string& separator) {
  std::string text;
  for (std::size_t n = 1 + random.below(9); n > 0; --n) {
    text += static_cast<char>('a' + random.below(5));
    if (n > 1) text += separator;
  }
  return text;
}

// Another letter than the last one. "e" is none of the vocabulary.
std::string with_other_end(const std::string& text) {
  std::string other = text;
  other.back() = other.back() == 'a' ? 'b' : 'a';
  return other;
}

TEST(Leakage, ClassesOfNumbersAreOfTheirSequenceAlone) {
  Files files = {TaskKind::classify, {TaskKind::classify, DataForm::ts}, {}, {}, {}, {}};
  files.task.classes = {"x", "y", "z"};
  files.inputs = 2;
  files.head = "@problemName p\n@univariate false\n@dimensions 2\n@equalLength false\n@classLabel false\n@data\n";
  files.between = "\n";
  files.part = [](Random& random) {
    std::string one, two;
    for (std::size_t n = 1 + random.below(9); n > 0; --n) {
      one += number_text(random.normal()) + (n > 1 ? "," : "");
      two += number_text(random.normal()) + (n > 1 ? "," : "");
    }
    return one + ":" + two;
  };
  files.last = [](const std::string& text) {
    const std::size_t at = text.find_last_of(",:") + 1;
    return text.substr(0, at) + number_text(std::stod(text.substr(at)) + 1);
  };
  EXPECT_TRUE(rc::check([&](std::uint64_t seed) { check_sequences(files, seed); }));
}

// Files of texts, whose tokens are letters with something between them.
Files files_of_letters(const Task& task, const std::string& between_letters, const std::string& between) {
  Files files = {task.kind, task, {}, with_other_end, {}, between};
  files.task.classes = {"x", "y", "z"};
  files.part = [between_letters](Random& random) { return letters(random, between_letters); };
  return files;
}

TEST(Leakage, ClassesOfTextsAreOfTheirTextAlone) {
  const Files files = files_of_letters({TaskKind::classify, DataForm::labelled, TextForm::tab}, "", "\n");
  EXPECT_TRUE(rc::check([&](std::uint64_t seed) { check_sequences(files, seed); }));
}

TEST(Leakage, TagsAreOfTheirSentenceAlone) {
  const Files files = files_of_letters({TaskKind::tag, DataForm::tagged}, "\n", "\n\n");
  EXPECT_TRUE(rc::check([&](std::uint64_t seed) { check_sequences(files, seed); }));
}

TEST(Leakage, FramesArePredictedFromThoseBeforeThem) {
  Files files = {TaskKind::music, {TaskKind::music, DataForm::notes}, {}, {}, {}, {}};
  files.inputs = files.outputs = kNotes;
  files.between = "\n";
  files.part = [](Random& random) {
    std::string piece;
    for (std::size_t n = 1 + random.below(9); n > 0; --n) {
      piece += std::to_string(kLowestNote + random.below(80)) + (n > 1 ? " ; " : "");
    }
    return piece;
  };
  files.last = [](const std::string& piece) { return piece + " 108"; };
  EXPECT_TRUE(rc::check([&](std::uint64_t seed) { check_sequences(files, seed); }));
}

}  // namespace
}  // namespace sluice::sequence_leakage_test
