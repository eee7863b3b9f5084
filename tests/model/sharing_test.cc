// What models, their copies and their streams share: a change of one never reaches another, and a stream outlives its
// model. And a stream that has read a NaN.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "model/model_access.h"
#include "model/stream_samples.h"
#include "sluice/train.h"

namespace sluice::sharing_test {
namespace {

using test::same_bits;
using test::StreamInput;

class Sharing : public test::EveryCell {};

// What a stream shares with its model outlives the Model.
TEST_P(Sharing, TheModelMayBeMovedChangedAndGone) {
  for (const bool text : {true, false}) {
    Random random(8);
    auto model = std::make_unique<Model>(test::random_model(GetParam(), text, {2, 9, 3, 6}, 8));
    const Model kept = *model;
    const StreamInput input = test::random_input(kept, 12, random);
    Stream alone(kept);
    const std::vector<float> expected = test::answers(kept, alone, input, 0, 12);
    Stream stream(*model);
    StreamBatch batch(*model, 1);
    const auto go_on = [&](std::size_t first, std::size_t last) {
      const std::size_t width = expected.size() / 12;
      const std::vector<float> found = test::answers(kept, stream, input, first, last);
      EXPECT_TRUE(same_bits(found, std::span(expected).subspan(first * width, found.size()))) << first;
      for (std::size_t t = first; t < last; ++t) {
        EXPECT_TRUE(text ? batch.step(std::span(input.tokens).subspan(t, 1)) : batch.step(test::row(kept, input, t)));
      }
      EXPECT_TRUE(same_bits(test::answer(kept, batch, 0), test::answer(kept, stream))) << first;
    };
    go_on(0, 2);
    auto moved = std::make_unique<Model>(std::move(*model));
    model.reset();
    go_on(2, 4);
    moved->set_precision(Precision::int8);
    go_on(4, 6);
    Model other = std::move(*moved);
    for (float& weight : network_of(other).parameters().all()) weight *= 1.5f;
    Team team(1);
    network_of(other).pack(team);
    go_on(6, 8);
    moved.reset();
    other = kept;
    Stream again = std::move(stream);
    stream = std::move(again);
    go_on(8, 12);
    EXPECT_EQ(stream.model().vocabulary().tokens(), kept.vocabulary().tokens());
    EXPECT_EQ(stream.model().precision(), Precision::f32);
    EXPECT_EQ(stream.model().initial_state(), kept.initial_state());
  }
}

TEST(Streams, OnAModelThatNobodyElseHas) {
  Stream stream(test::random_model({"gru", "tanh"}, true, {1, 9, 4, 6}, 1));
  StreamBatch batch(test::random_model({"gru", "tanh"}, true, {1, 9, 4, 6}, 1), 2);
  EXPECT_EQ(stream.feed("1 2 nobody"), 1u);
  EXPECT_TRUE(batch.step(std::vector<Token>{1, 2}));
  EXPECT_EQ(stream.model().vocabulary().size(), 6u);
}

// A copy of a model is a value, however much it shares.
TEST(Models, AChangedCopyLeavesTheOthersAsTheyWere) {
  const Model model = test::random_model({"lstm", "tanh"}, true, {1, 9, 4, 6}, 1);
  Model copy = model;
  EXPECT_EQ(&network_of(std::as_const(copy)), &network_of(model)) << "nothing is copied yet";
  const std::vector<float> before(network_of(model).parameters().all().begin(),
                                  network_of(model).parameters().all().end());
  copy.notes()["a"] = "b";
  network_of(copy).parameters().all()[0] += 1;
  EXPECT_TRUE(same_bits(network_of(model).parameters().all(), before));
  EXPECT_TRUE(model.notes().empty());
  Network* const own = &network_of(copy);
  EXPECT_EQ(&network_of(copy), own) << "its own already";
}

Corpus letters() {
  std::string text;
  for (int i = 0; i < 400; ++i) text += static_cast<char>('a' + i * i % 7);
  return Corpus::from_text(text, {.level = Level::character});
}

// Copies and streams made while a model is trained have the weights of that moment, and the model goes on.
TEST(Models, InTrainingAreCopiedAsTheyStand) {
  const Corpus corpus = letters();
  Model model({.hidden = 8}, corpus.vocabulary());
  std::vector<float> then;
  std::unique_ptr<Model> copy;
  std::unique_ptr<Stream> stream;
  const TrainOptions options = {.epochs = 2, .batch = 2, .steps = 8, .validation_split = 0, .threads = 1};
  train(model, corpus, options, [&](const Report& report) {
    if (report.update != 3 || copy != nullptr) return true;
    const auto weights = network_of(std::as_const(model)).parameters().all();
    then.assign(weights.begin(), weights.end());
    copy = std::make_unique<Model>(model);
    stream = std::make_unique<Stream>(model);
    EXPECT_THROW(model.set_precision(Precision::int8), Error);
    return true;
  });
  ASSERT_NE(copy, nullptr);
  EXPECT_TRUE(same_bits(network_of(std::as_const(*copy)).parameters().all(), then));
  EXPECT_FALSE(same_bits(network_of(std::as_const(model)).parameters().all(), then));
  Stream of_copy(*copy), trained(model);
  for (const Token token : {1, 2, 3}) ASSERT_TRUE(of_copy.step(token) && stream->step(token) && trained.step(token));
  EXPECT_TRUE(same_bits(of_copy.probabilities(), stream->probabilities()));
  EXPECT_FALSE(same_bits(of_copy.probabilities(), trained.probabilities()));
  EXPECT_EQ(&network_of(std::as_const(model)), &network_of(trained.model())) << "shared again";
}

TEST(Models, OfATrainingThatCannotBeginComputeInFloat32) {
  const Corpus corpus = letters();
  Model model({.hidden = 8}, corpus.vocabulary());
  TrainOptions options = {.epochs = 1, .batch = 2, .steps = 8, .precision = Precision::bf16, .threads = 1};
  options.checkpoint = SLUICE_SOURCE_DIR "/README.md";
  options.resume = true;
  EXPECT_THROW(train(model, corpus, options), Error);
  EXPECT_EQ(model.precision(), Precision::f32);
}

// NaN: noticed, kept from the others, and gone again.
TEST_P(Sharing, WhatIsNotFiniteIsNoticedAndRecoveredFrom) {
  const Model model = test::random_model(GetParam(), false, {2, 9, 2, 3}, 1);
  const std::vector<float> x = {0.5f, -0.25f}, bad = {0.5f, std::nanf("")};
  Stream stream(model), same(model);
  State good = stream.state();
  EXPECT_TRUE(stream.finite());
  ASSERT_TRUE(stream.step(x) && same.step(x));
  ASSERT_TRUE(stream.copy_state(good));
  EXPECT_TRUE(stream.finite());
  stream.step(bad);
  EXPECT_FALSE(stream.finite());
  stream.step(x);
  const bool forgets = GetParam().activation == "relu";  // max(0, NaN) may be 0
  EXPECT_TRUE(forgets || !stream.finite());
  const bool bad_until_now = !stream.finite();
  stream.set_state(good);
  EXPECT_TRUE(stream.finite()) << "at once, and not after another step";
  EXPECT_TRUE(!bad_until_now || stream.output()[0] == 0);
  ASSERT_TRUE(stream.step(x) && same.step(x));
  EXPECT_TRUE(stream.finite());
  EXPECT_TRUE(same_bits(stream.output(), same.output()));
  const std::vector<float> last(stream.output().begin(), stream.output().end());
  stream.reset();
  EXPECT_TRUE(same_bits(stream.output(), last)) << "a good one stays";
  stream.step(bad);
  stream.reset();
  EXPECT_TRUE(stream.finite());
  stream.step(x);
  EXPECT_TRUE(stream.finite());
  State wrong(1, 1, 1, 9);
  EXPECT_FALSE(stream.copy_state(wrong));

  StreamBatch batch(model, 3);
  batch.step(std::vector<float>{0.5f, -0.25f, std::nanf(""), 1, 0, 0});
  EXPECT_TRUE(batch.finite(0));
  EXPECT_FALSE(batch.finite(1));
  EXPECT_TRUE(batch.finite(2));
  EXPECT_FALSE(batch.finite(3)) << "no such stream";
  batch.reset(1);
  EXPECT_TRUE(batch.finite(1));
  batch.step(std::vector<float>{0.5f, -0.25f, std::nanf(""), 1, 0, 0});
  EXPECT_FALSE(batch.finite(1));
  batch.set_state(1, good);
  EXPECT_TRUE(batch.finite(1));
  batch.step(std::vector<float>(6, 0.5f));
  EXPECT_TRUE(batch.finite(1));
}

// Nothing is drawn from an output that was given up.
TEST(Streams, OfTextDrawNothingAfterWhatIsNotFinite) {
  const Corpus corpus = letters();
  Model model({.hidden = 8}, corpus.vocabulary());
  Parameters& weights = network_of(model).parameters();
  for (std::size_t i = 0; i < weights.shapes().size(); ++i) {
    if (weights.shapes()[i].name == "head.bias") weights[i][2] = std::nanf("");
  }
  Team alone(1);
  network_of(model).pack(alone);
  Stream stream(model);
  stream.step(1);
  EXPECT_FALSE(stream.finite());
  stream.reset();
  EXPECT_TRUE(stream.finite());
  EXPECT_THAT(test::error_of(Status::usage, [&] { stream.sample({}, 0.5); }), testing::HasSubstr("found none"));
}

INSTANTIATE_TEST_SUITE_P(Cells, Sharing, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::sharing_test
