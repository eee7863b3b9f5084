// Texts that stand apart in one (TrainOptions::reset_at): nothing passes from one to the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "errors.h"
#include "lessons/compare.h"
#include "model/model_access.h"
#include "model/network_samples.h"
#include "sluice/formats.h"
#include "sluice/stream.h"
#include "train/evaluate.h"
#include "train/training.h"

namespace sluice::separate_test {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::letters;
using test::small_model;
using test::small_options;
using testing::HasSubstr;

constexpr Token kMark = 5;  // the letter e

// Texts of letters but for the mark, of many lengths, each begun by the mark.
std::vector<std::vector<Token>> some_texts(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<Token>> texts;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Token>& text = texts.emplace_back(1, kMark);
    const std::size_t length = random.below(random.below(4) == 0 ? 40 : 9);
    for (std::size_t t = 0; t < length; ++t) text.push_back(static_cast<Token>(1 + random.below(4)));
  }
  return texts;
}

std::vector<Token> joined(const std::vector<std::vector<Token>>& texts) {
  std::vector<Token> all;
  for (const std::vector<Token>& text : texts) all.insert(all.end(), text.begin(), text.end());
  all.push_back(kMark);
  return all;
}

Corpus corpus_of(std::vector<Token> tokens) {
  return Corpus::from_tokens(std::move(tokens), letters(3).vocabulary(), "letters");
}

// Each text by itself, its end predicted too.
std::vector<Token> with_end(std::vector<Token> text) {
  text.push_back(kMark);
  return text;
}

double nats_alone(const Model& model, const std::vector<std::vector<Token>>& texts) {
  double sum = 0;
  for (const std::vector<Token>& text : texts) {
    for (const float nats : model.score(with_end(text)).nats) sum += static_cast<double>(nats);
  }
  return sum;
}

Tally tally_of(const Model& model, const std::vector<Token>& tokens, std::vector<Token> mark, std::size_t batch,
               std::size_t steps) {
  Batches batches = Batches::parts(tokens, batch, steps);
  batches.separate(std::move(mark));
  Workspace workspace;
  Team team(2);
  return tally(network_of(model), *windows_of(std::move(batches)), workspace, team);
}

class Separate : public test::EveryCell {
 protected:
  Separate()
      : model(small_model({.cell = GetParam().cell, .layers = 2, .hidden = 11, .activation = GetParam().activation})) {
    Random random(3);
    test::randomize(network_of(model), random);
  }
  Model model;
};

// However windows and parts cut them.
TEST_P(Separate, ATextHasTheLossThatItHasAlone) {
  const std::vector<std::vector<Token>> texts = some_texts(60, 1);
  const std::vector<Token> all = joined(texts);
  const double alone = nats_alone(model, texts);
  for (const std::size_t steps : {1u, 4u, 7u, 300u}) {
    const Tally found = tally_of(model, all, {kMark}, 1, steps);
    EXPECT_EQ(found.rows, all.size() - 1);
    EXPECT_NEAR(found.loss, alone, 1e-9 * alone) << steps;
  }
  EXPECT_GT(std::abs(tally_of(model, all, {}, 1, 7).loss - alone), 0.1) << "without the mark it is another";
}

TEST_P(Separate, ATextHasTheSameLossWhereverItStands) {
  std::vector<std::vector<Token>> texts = some_texts(60, 2);
  const double before = tally_of(model, joined(texts), {kMark}, 1, 7).loss;
  std::ranges::reverse(texts);
  EXPECT_NEAR(tally_of(model, joined(texts), {kMark}, 1, 7).loss, before, 1e-9 * before);
}

// Several streams: each begins in the middle of a text, with an empty state, and is then no different.
TEST_P(Separate, EveryPartFollowsTheMark) {
  const std::size_t parts = 3, each = 200;
  std::vector<Token> all = joined(some_texts(60, 3));
  ASSERT_GT(all.size(), parts * each);
  all.resize(parts * each + 1);
  double sum = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::vector<Token> own(all.begin() + std::ptrdiff_t(part * each),
                                 all.begin() + std::ptrdiff_t((part + 1) * each) + 1);
    sum += tally_of(model, own, {kMark}, 1, 7).loss;
  }
  EXPECT_NEAR(tally_of(model, all, {kMark}, parts, 7).loss, sum, 1e-9 * sum);
}

// One update of plain gradient descent over a window of whole texts: the mean of their own gradients.
TEST_P(Separate, NoGradientGoesPastTheMark) {
  const std::vector<std::vector<Token>> texts = some_texts(12, 4);
  const std::vector<Token> all = joined(texts);
  TrainOptions options;
  options.epochs = options.batch = 1;
  options.steps = all.size();
  options.optimizer = Optimizer::sgd;
  options.learning_rate = 1;
  options.schedule = Schedule::constant;
  options.clip_norm = options.validation_split = 0;
  options.threads = 2;
  options.reset_at = "e";
  const Model before = model;
  const test::Training trained = test::run(model, corpus_of(all), options);
  EXPECT_NEAR(trained.reports.front().loss, nats_alone(before, texts) / double(all.size() - 1), 1e-5);
  const Network& network = network_of(before);
  Parameters expected = network.parameters();
  Gradients gradients(network.parameters());
  Workspace workspace;
  Team alone(1);
  for (const std::vector<Token>& text : texts) {
    const std::vector<Token> whole = with_end(text);
    State state = network.initial_state(1);
    const std::span<const Token> tokens(whole);
    network.train({tokens.first(text.size()), tokens.subspan(1), text.size(), 1}, {}, state, gradients, workspace,
                  alone);
    const double share = double(text.size()) / double(all.size() - 1);
    for (std::size_t i = 0; i < expected.all().size(); ++i) {
      expected.all()[i] -= static_cast<float>(share * double(gradients.all()[i]));
    }
  }
  const std::span<const float> found = network_of(trained.model).parameters().all();
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected.all()[i], 2e-5) << i;
}

INSTANTIATE_TEST_SUITE_P(Cells, Separate, testing::ValuesIn(test::every_cell()), test::label);

// Windows in which texts end everywhere, even after every token, against the tokens themselves.
TEST(SeparateWindowsTest, HaveEveryEntryOnceAndAStateOfItsOwnForEverySequence) {
  EXPECT_TRUE(rc::check([] {
    const auto length = *rc::gen::inRange<std::size_t>(2, 60), steps = *rc::gen::inRange<std::size_t>(1, 9);
    const auto tokens = *rc::gen::container<std::vector<Token>>(length, rc::gen::inRange<Token>(0, 3));
    const auto mark =
        *rc::gen::container<std::vector<Token>>(*rc::gen::inRange<std::size_t>(1, 3), rc::gen::inRange<Token>(0, 3));
    Batches parts = Batches::parts(tokens, *rc::gen::inRange<std::size_t>(1, 4), steps);
    parts.separate(mark);
    SeparateWindows filled(std::move(parts));
    const Batches& batches = filled.batches();
    const Network network({.cell = "rnn", .hidden = 1}, 3);
    State streams(1, 1, batches.batch(), 1);
    std::vector<Token> inputs, targets;
    std::vector<float> position(batches.batch(), 0);  // in its sequence, of the next entry of every stream
    for (std::size_t k = 0; k < batches.windows(); ++k) {
      const Window window = filled.fill(k, 0);
      batches.window(k, inputs, targets);
      RC_ASSERT(window.inputs.tokens.size() == inputs.size());
      // A cell that counts its steps.
      State& state = filled.before(streams, network);
      std::vector<std::size_t> seen(inputs.size());
      std::size_t row = 0;
      for (std::size_t t = 0; t < window.steps; ++t) {
        for (std::size_t s = 0; s < window.batch && window.lengths[s] > t; ++s, ++row) {
          const std::size_t entry = filled.entry(row), step = entry / batches.batch(), b = entry % batches.batch();
          ++seen[entry];
          RC_ASSERT(window.inputs.tokens[row] == inputs[entry] && window.targets.tokens[row] == targets[entry]);
          if (!batches.counted(k, step, b)) continue;
          const float before = state.values()[s]++;
          // How many tokens back the last mark stands, or the stream's start.
          const std::size_t at = k * steps + step;
          std::size_t back = 0;
          while (back < at && !batches.begins((at - back) / steps, (at - back) % steps, b)) ++back;
          RC_ASSERT(before == static_cast<float>(back));
        }
      }
      RC_ASSERT(row == inputs.size());
      RC_ASSERT(std::ranges::all_of(seen, [](std::size_t n) { return n == 1; }));
      filled.after(streams);
    }
  }));
}

TEST(SeparateTraining, EndsWithTheSameBitsForAnyThreadsAndAfterAStop) {
  const std::string checkpoint = (fs::path(testing::TempDir()) / ("separate_" + std::to_string(::getpid()))).string();
  const Corpus corpus = corpus_of(joined(some_texts(60, 5)));
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    TrainOptions options = small_options();
    options.reset_at = "e";
    options.precision = precision;
    options.calibrate_temperature = true;
    const test::Training whole = test::run(small_model(), corpus, options);
    EXPECT_LT(whole.result.train_loss, whole.reports.front().loss);
    options.threads = 3;
    EXPECT_TRUE(test::same_weights(test::run(small_model(), corpus, options).model, whole.model));
    options.checkpoint = checkpoint;
    Model stopped = small_model();
    EXPECT_TRUE(train(stopped, corpus, options, [](const Report& r) { return r.update < 14; }).stopped);
    options.resume = true;
    EXPECT_TRUE(test::same_weights(test::run(small_model({.cell = "gru", .hidden = 10}, 9), corpus, options).model,
                                   whole.model));
    fs::remove(checkpoint);
  }
}

TEST(SeparateTraining, IsNotedInTheModelAndFollowed) {
  const std::string path = (fs::path(testing::TempDir()) / ("separate_" + std::to_string(::getpid()))).string();
  const std::vector<std::vector<Token>> texts = some_texts(80, 6);
  const Corpus corpus = corpus_of(joined(texts));
  TrainOptions options = small_options();
  options.reset_at = "e";
  Model model = small_model();
  EXPECT_TRUE(model.begin_tokens().empty());
  train(model, corpus, options);
  EXPECT_EQ(model.reset_at(), "e");
  save(model, path, {.force = true});
  const Model loaded = load(path);
  fs::remove(path);
  EXPECT_EQ(loaded.reset_at(), "e");
  const double tokens = double(corpus.tokens().size() - 1);
  EXPECT_NEAR(evaluate(loaded, corpus, 1, 1).nats_per_token * tokens, nats_alone(loaded, texts), 1e-6);
  // A stream begins as a text did.
  EXPECT_EQ(loaded.begin_tokens(), std::vector{kMark});
  Stream begun(loaded), stepped(loaded);
  begun.step(1);
  begun.begin();
  stepped.step(kMark);
  EXPECT_EQ(begun.state(), stepped.state());
  // Trained further as one text, it is a model of one text again.
  options.reset_at.clear();
  train(model, corpus, options);
  EXPECT_EQ(model.reset_at(), "");
  EXPECT_TRUE(model.begin_tokens().empty());
}

TEST(SeparateTraining, AStreamBeginsAfterAllTokensOfAMark) {
  const std::string path = (fs::path(testing::TempDir()) / ("mark_" + std::to_string(::getpid()))).string();
  const std::vector<Token> mark = {kMark, 1, kMark};
  std::vector<Token> tokens;
  for (const std::vector<Token>& text : some_texts(80, 6)) {
    tokens.insert(tokens.end(), mark.begin(), mark.end());
    tokens.insert(tokens.end(), text.begin() + 1, text.end());
  }
  Model model = small_model();
  TrainOptions options = small_options();
  options.reset_at = model.vocabulary().decode(mark);
  train(model, corpus_of(tokens), options);
  save(model, path, {.force = true});
  Model loaded = load(path);
  fs::remove(path);
  EXPECT_EQ(loaded.begin_tokens(), mark);
  Stream begun(loaded), fed(loaded);
  begun.step(1);
  EXPECT_TRUE(begun.begin());
  fed.feed(mark);
  EXPECT_THAT(begun.probabilities(), testing::ElementsAreArray(fed.probabilities()));
  EXPECT_EQ(begun.state(), fed.state());
  // A note that somebody else wrote: what is no list of the model's tokens counts as none.
  for (const char* note : {"", "5 1 x", "5 99", "-1", "5,1", " 5", "99999999999999999999"}) {
    loaded.notes()["reset-at-tokens"] = note;
    EXPECT_TRUE(loaded.begin_tokens().empty()) << note;
  }
  options.reset_at.clear();
  train(model, corpus_of(tokens), options);
  EXPECT_EQ(model.notes().count("reset-at-tokens"), 0u);
}

// What stood before the mark is nothing that the model could remember.
TEST(SeparateTraining, RecallByDistanceCountsWithinATextAlone) {
  CompareOptions options;
  options.cells = {"gru"};
  options.config.hidden = 8;
  options.train = small_options();
  options.train.reset_at = "e";
  std::vector<std::vector<Token>> texts;
  for (std::size_t i = 0; i < 60; ++i) texts.push_back({kMark, 1, 2, static_cast<Token>(3 + i % 2), 2});
  const auto runs = compare(corpus_of(joined(texts)), options);
  // Within a text, 2 comes back after 2 steps; and the next mark after 5, as the last target of each.
  std::vector<std::size_t> distances;
  for (const Recall& recall : runs.front().result.recall_by_distance) distances.push_back(recall.words);
  EXPECT_EQ(distances, (std::vector<std::size_t>{2, 8}));
}

TEST(SeparateTraining, RefusesAMarkThatIsNone) {
  const Corpus corpus = corpus_of(joined(some_texts(60, 7)));
  const auto refusal = [&](const std::string& mark) {
    TrainOptions options = small_options();
    options.reset_at = mark;
    Model model = small_model();
    return error_of(Status::bad_file, [&] { train(model, corpus, options); });
  };
  EXPECT_EQ(refusal("z"), "reset-at: expected tokens that the model knows, found \"z\"");
  EXPECT_EQ(refusal("ez"), "reset-at: expected tokens that the model knows, found \"ez\", of which \"z\" is none");
  EXPECT_EQ(refusal("eabcdabcd"),
            "letters: expected a text in which the mark of reset-at, \"eabcdabcd\", stands, found none of it");
  const Series series(std::vector<float>(60), 1, std::vector<float>(60), 1);
  TrainOptions options = small_options();
  options.reset_at = "e";
  Model numbers({.hidden = 4, .inputs = 1, .outputs = 1});
  EXPECT_THAT(error_of(Status::usage, [&] { train(numbers, series, options); }),
              HasSubstr("reset-at: expected none for numbers, found \"e\""));
}

}  // namespace
}  // namespace sluice::separate_test
