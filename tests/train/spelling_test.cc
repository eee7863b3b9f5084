// Networks that spell words: what is learned of a word that is not in the vocabulary, words that are read as <unk> at
// random, files, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/random.h"
#include "errors.h"
#include "formats/model_file.h"
#include "sluice/formats.h"
#include "sluice/stream.h"
#include "tasks/alphabet.h"
#include "train/training.h"
#include "train/windows.h"

namespace sluice::spelling_test {
namespace {

using test::error_of;
using test::same_weights;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kCharacters = 6;

// Words of random characters, none of which is in the vocabulary. A word's tag is whether its last character is above
// its first one.
Sequences sentences(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Sequences all;
  all.labels_per_step = true;
  all.classes = {"falls", "rises"};
  for (std::size_t s = 0; s < count; ++s) {
    const std::size_t length = 1 + random.below(7);
    all.starts.push_back(all.steps() + length);
    for (std::size_t t = 0; t < length; ++t) {
      const std::size_t characters = 2 + random.below(5);
      for (std::size_t i = 0; i < characters; ++i) {
        all.spellings.characters.push_back(static_cast<std::uint32_t>(random.below(kCharacters)));
      }
      all.spellings.starts.push_back(all.spellings.characters.size());
      all.words.push_back(static_cast<std::uint32_t>(all.spellings.size() - 1));
      const auto word = all.spellings.of(all.words.back());
      all.tokens.push_back(Vocabulary::unknown);
      all.labels.push_back(word.back() > word.front());
    }
  }
  return all;
}

Config tagger() {
  Config config;
  config.embedding = 5;
  config.outputs = 2;
  config.stack = {{.units = 10, .direction = "both"}};
  config.head.loss = "softmax";
  config.spelling = {.characters = kCharacters, .embedding = 8, .units = 12};
  return config;
}

Model fresh(const Config& config = tagger()) { return Model(config, Vocabulary({}, {"<unk>", "a", "b", "c"}), 3); }

TrainOptions short_run() {
  TrainOptions options;
  options.epochs = 15;
  options.batch = 16;
  options.learning_rate = 0.02;
  options.threads = 2;
  return options;
}

TEST(Spelling, SaysWhatNoTokenDoes) {
  const Sequences training = sentences(400, 1), other = sentences(200, 2);
  for (const char* cell : {"gru", "lstm"}) {
    Config config = tagger();
    config.spelling.cell = cell;
    Model model = fresh(config);
    train(model, training, short_run());
    EXPECT_GT(evaluate(model, other).accuracy, 0.95) << cell;
  }
  Config blind = tagger();
  blind.spelling = {};
  Model model = fresh(blind);
  train(model, training, short_run());
  EXPECT_LT(evaluate(model, other).accuracy, 0.7);
}

TEST(Spelling, TrainsInBf16AsWell) {
  Model model = fresh();
  TrainOptions options = short_run();
  options.precision = Precision::bf16;
  train(model, sentences(400, 1), options);
  EXPECT_GT(evaluate(model, sentences(200, 2)).accuracy, 0.95);
}

TEST(Spelling, IsKeptInTheModelsFileToTheBit) {
  const Sequences training = sentences(60, 1), other = sentences(20, 2);
  for (const char* cell : {"rnn", "lstm", "gru", "gru-reset-after"}) {
    Config config = tagger();
    config.spelling.cell = cell;
    config.spelling.word_dropout = 0.25;
    Model model = fresh(config);
    TrainOptions options = short_run();
    options.epochs = 2;
    train(model, training, options);
    const std::string bytes = model_to_bytes(model);
    const Model loaded = model_from_bytes(bytes, "file");
    EXPECT_EQ(loaded.config().spelling, model.config().spelling) << cell;
    EXPECT_EQ(model_to_bytes(loaded), bytes) << cell;
    EXPECT_EQ(predict(loaded, other), predict(model, other)) << cell;
  }
}

// The places of words that are not spelt say nothing, so neither what else is in the table nor its order matters.
TEST(Spelling, OfAWordDoesNotDependOnTheOthers) {
  const Model model = fresh();
  const Sequences all = sentences(30, 4);
  const std::vector<float> y = predict(model, all, 7, 2);
  std::size_t at = 0;
  for (std::size_t s = 0; s < all.size(); ++s) {
    const std::size_t one[] = {s};
    Sequences alone = select(all, one), own = alone;
    own.spellings = {};
    for (std::uint32_t& word : own.words) {
      const auto characters = all.spellings.of(word);
      own.spellings.characters.insert(own.spellings.characters.end(), characters.begin(), characters.end());
      own.spellings.starts.push_back(own.spellings.characters.size());
      word = static_cast<std::uint32_t>(own.spellings.size() - 1);
    }
    const std::vector<float> expected(y.begin() + std::ptrdiff_t(at),
                                      y.begin() + std::ptrdiff_t(at + 2 * all.length(s)));
    EXPECT_EQ(predict(model, alone, 1, 1), expected);
    EXPECT_EQ(predict(model, own, 1, 1), expected);
    at += expected.size();
  }
}

// ---- Words that are read as <unk> at random. ----

struct Pass {
  double loss = 0;
  Gradients gradients;
};

Pass pass_of(const Network& network, const Sequences& sequences, const DropoutKey& key, std::size_t threads) {
  Team team(threads);
  Workspace workspace;
  SequenceWindows windows(sequences, network, 16);
  const Window window = windows.fill(0, 0);
  Pass out{0, Gradients(network.parameters())};
  State state;
  out.loss = network.train(window, key, windows.before(state, network), out.gradients, workspace, team);
  return out;
}

TEST(Spelling, WordsAreReadAsUnknownByKey) {
  Config config = tagger();
  config.spelling.word_dropout = 0.5;
  const Model model = fresh(config), whole = fresh();
  Sequences some = sentences(16, 5);
  for (std::size_t i = 0; i < some.tokens.size(); ++i) some.tokens[i] = 1 + static_cast<Token>(i % 3);
  const Network& network = network_of(model);
  const Pass one = pass_of(network, some, {1, 2}, 1), again = pass_of(network, some, {1, 2}, 3),
             next = pass_of(network, some, {1, 3}, 1), none = pass_of(network_of(whole), some, {1, 2}, 1);
  EXPECT_EQ(one.loss, again.loss);
  EXPECT_TRUE(std::ranges::equal(one.gradients.all(), again.gradients.all()));
  EXPECT_NE(one.loss, next.loss);
  EXPECT_NE(one.loss, none.loss);
  const auto unknown = [](const Pass& pass) { return pass.gradients[0].first(5); };  // the row of <unk>
  EXPECT_TRUE(std::ranges::any_of(unknown(one), [](float g) { return g != 0; }));
  EXPECT_TRUE(std::ranges::all_of(unknown(none), [](float g) { return g == 0; }));
  // Only in training.
  EXPECT_EQ(predict(model, some), predict(whole, some));
}

TEST(Spelling, TrainingThatIsResumedHasTheSameBits) {
  const Sequences training = sentences(200, 1);
  Config config = tagger();
  config.spelling.word_dropout = 0.3;
  config.input_dropout = 0.2;
  TrainOptions options = short_run();
  options.epochs = 3;
  Model straight = fresh(config);
  train(straight, training, options);
  options.checkpoint = (std::filesystem::path(testing::TempDir()) / ("spelt_" + std::to_string(::getpid()))).string();
  Model stopped = fresh(config);
  train(stopped, training, options, [](const Report& report) { return report.update < 17; });
  EXPECT_FALSE(same_weights(straight, stopped));
  options.resume = true;
  Model resumed = fresh(config);
  train(resumed, training, options);
  EXPECT_TRUE(same_weights(straight, resumed));
  // Other spellings are other data.
  Sequences changed = training;
  changed.spellings.characters.front() = 1 - std::min(changed.spellings.characters.front(), 1u);
  Model other = fresh(config);
  EXPECT_THAT(error_of(Status::bad_file, [&] { train(other, changed, options); }), HasSubstr("cannot resume"));
  std::filesystem::remove(options.checkpoint);
}

// ---- What is refused. ----

TEST(Spelling, SequencesThatDoNotFitAreRefused) {
  const Model model = fresh();
  const auto refused = [&](const auto& change) {
    Sequences all = sentences(3, 1);
    change(all);
    return error_of(Status::usage, [&] { evaluate(model, all); });
  };
  EXPECT_THAT(refused([](Sequences& all) { all.words.clear(); }), HasSubstr("the spelling of each of"));
  EXPECT_THAT(refused([](Sequences& all) { all.words.back() = 1000; }), HasSubstr("as many as are spelt, found 1000"));
  EXPECT_THAT(refused([](Sequences& all) { all.spellings.starts.clear(); }), HasSubstr("found none"));
  EXPECT_THAT(refused([](Sequences& all) { all.spellings.characters.pop_back(); }), HasSubstr("characters, found"));
  EXPECT_THAT(refused([](Sequences& all) { all.spellings.starts[1] = 0; }), HasSubstr("an empty one, number 1"));
  EXPECT_THAT(refused([](Sequences& all) { all.spellings.characters[2] = 6; }),
              HasSubstr("characters below 6, found 6"));
}

TEST(Spelling, ConfigsThatCannotBeAreRefused) {
  const auto refused = [](const auto& change) {
    Config config = tagger();
    change(config);
    return error_of(Status::usage, [&] { fresh(config); });
  };
  EXPECT_THAT(refused([](Config& c) { c.spelling.units = 0; }), HasSubstr("spelling: units: expected a number from 1"));
  EXPECT_THAT(refused([](Config& c) { c.spelling.embedding = 0; }), HasSubstr("spelling: embedding"));
  EXPECT_THAT(refused([](Config& c) { c.spelling.cell = "gur"; }), HasSubstr("gur"));
  EXPECT_THAT(refused([](Config& c) { c.spelling.word_dropout = 1; }), HasSubstr("spelling: word-dropout"));
  EXPECT_THAT(refused([](Config& c) { c.spelling.characters = std::size_t{1} << 40; }), HasSubstr("characters"));
  EXPECT_THAT(refused([](Config& c) { c.outputs = 0, c.head = {}, c.stack[0].direction = "forward"; }),
              HasSubstr("none where the next token is predicted"));
  Config numbers = tagger();
  numbers.inputs = 2;
  numbers.embedding = 0;
  EXPECT_THAT(error_of(Status::usage, [&] { Model model(numbers, 3); }), HasSubstr("none where there are inputs"));
}

TEST(Spelling, WhatReadsTokensAloneRefusesIt) {
  Config config = tagger();
  config.stack[0].direction = "forward";
  const Model model = fresh(config);
  EXPECT_FALSE(model.streams());
  EXPECT_THAT(error_of(Status::usage, [&] { Stream stream(model); }), HasSubstr("found one that spells words"));
  const Token tokens[] = {1, 2};
  EXPECT_THAT(error_of(Status::usage, [&] { model.trace(tokens); }),
              HasSubstr("words: expected a token and the spelling"));
}

TEST(Alphabet, CharactersAreNumbersAndLongWordsAreCut) {
  const std::string words[] = {"día", "da", "día", "x\xf0\x9f\x8c\x8a"};
  const Alphabet alphabet = Alphabet::of(words);
  EXPECT_EQ(alphabet.text(), "adí");  // x and the wave are there once
  EXPECT_EQ(alphabet.size(), 4u);
  Spellings spellings;
  alphabet.spell("día", spellings);
  alphabet.spell("xd", spellings);
  alphabet.spell(std::string(20, 'a').append(17, 'd'), spellings);
  EXPECT_THAT(spellings.of(0), ElementsAre(2, 3, 1));
  EXPECT_THAT(spellings.of(1), ElementsAre(0, 2));
  EXPECT_EQ(spellings.of(2).size(), 2 * Alphabet::kMostAtEnds);
  EXPECT_EQ(std::ranges::count(spellings.of(2), 1u), 16);
}

}  // namespace
}  // namespace sluice::spelling_test
