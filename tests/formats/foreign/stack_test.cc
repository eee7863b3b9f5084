// Foreign networks as models of ours: what the engine computes is what the reference does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/threads.h"
#include "errors.h"
#include "formats/foreign/network_samples.h"
#include "formats/foreign/to_model.h"
#include "formats/model_check.h"
#include "model/model_access.h"
#include "model/network.h"
#include "sluice/formats.h"
#include "sluice/import.h"
#include "sluice/stream.h"
#include "sluice/train.h"

namespace sluice::foreign::stack_test {
namespace {

using test::dense;
using test::recurrent;

constexpr Value sequence(std::size_t features) { return {Kind::sequence, features}; }

Network chain(Cell cell, std::size_t layers) {
  test::Random random;
  Builder builder("test");
  ValueId now = builder.input("x", sequence(3));
  for (std::size_t k = 0; k < layers; ++k) {
    now = builder.add("layer", recurrent(random, cell, k == 0 ? 3 : 5, 5), {now})[0];
  }
  builder.output("y", builder.add_one("head", dense(random, 5, 2), {now}));
  return builder.finish("test");
}

class ForeignChain : public testing::TestWithParam<std::string> {};

TEST_P(ForeignChain, IsWhatTheEngineStreams) {
  const std::string name = GetParam();
  const Cell cell = name == "rnn"    ? Cell::rnn
                    : name == "lstm" ? Cell::lstm
                    : name == "gru"  ? Cell::gru_reset_before
                                     : Cell::gru_reset_after;
  const Network network = chain(cell, 2);
  const Model model = to_model(network, "test").model;
  EXPECT_EQ(model.config().cell, name);
  EXPECT_TRUE(model.config().stack.empty());
  const Feed feed = test::feed_of(network, 12, 1);
  const std::vector<double>& x = feed.inputs.begin()->second;
  const auto expected = evaluate(network, feed)[0];
  Stream stream(model);
  for (std::size_t t = 0; t < 12; ++t) {
    const std::vector<float> step(x.begin() + static_cast<std::ptrdiff_t>(3 * t),
                                  x.begin() + static_cast<std::ptrdiff_t>(3 * t + 3));
    stream.step(std::span<const float>(step));
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(stream.output()[i], expected[2 * t + i], 2e-6) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, ForeignChain, testing::Values("rnn", "lstm", "gru", "gru-reset-after"),
                         [](const auto& cell) { return cell.param == "gru-reset-after" ? "after" : cell.param; });

// One network, and what it becomes.
struct Case {
  std::string name;
  std::function<ValueId(Builder&, test::Random&)> build;
  std::string layers;  // kind, cell or activation, units and direction of each
  std::string head;
  std::size_t remarks = 0;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::string text_of(const Config& config) {
  std::string text;
  for (const LayerConfig& layer : config.stack) {
    text += (text.empty() ? "" : ", ") + (layer.kind == "dense" ? layer.activation : layer.cell) + " " +
            std::to_string(layer.units) + (layer.direction == "forward" ? "" : " " + layer.direction) +
            (layer.initial_state == "zero" ? "" : " " + layer.initial_state);
  }
  if (text.empty()) text = std::to_string(config.layers) + " " + config.cell + " " + std::to_string(config.hidden);
  for (const double feature : config.head.residual) text += " + " + std::to_string(static_cast<int>(feature));
  return text;
}

ValueId activated(Builder& b, ValueId x, Function f, double alpha = 0) {
  return b.add_one("f", Elementwise{{f, alpha}}, {x});
}

const std::vector<Case> cases = {
    {"two sizes with a dense layer between",
     [](Builder& b, test::Random& r) {
       ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 6), {b.input("x", sequence(3))})[0];
       now = activated(b, b.add_one("d", dense(r, 6, 4), {now}), Function::relu);
       now = b.add("b", recurrent(r, Cell::gru_reset_after, 4, 7), {now})[0];
       return b.add_one("head", dense(r, 7, 2), {now});
     },
     "lstm 6, relu 4, gru-reset-after 7", "steps"},
    {"both directions",
     [](Builder& b, test::Random& r) {
       ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 4, 2), {b.input("x", sequence(3))})[0];
       now = b.add("b", recurrent(r, Cell::gru_reset_before, 8, 5, 2), {now})[0];
       return b.add_one("head", dense(r, 10, 2), {now});
     },
     "lstm 4 both, gru 5 both", "steps"},
    {"both directions averaged",
     [](Builder& b, test::Random& r) {
       const ValueId both = b.add("a", recurrent(r, Cell::rnn, 3, 4, 2), {b.input("x", sequence(3))})[0];
       const ValueId first = b.add_one("f", Select{{0, 1, 2, 3}}, {both}),
                     second = b.add_one("b", Select{{4, 5, 6, 7}}, {both});
       const ValueId mean = b.add_one("mean", Combine{Combination::average}, {first, second});
       return b.add_one("head", dense(r, 4, 2), {mean});
     },
     "rnn 4 sum", "steps"},
    {"one backward direction",
     [](Builder& b, test::Random& r) {
       Recurrent part = recurrent(r, Cell::lstm, 3, 4);
       part.directions[0].backward = true;
       return b.add_one("head", dense(r, 4, 2), {b.add("a", std::move(part), {b.input("x", sequence(3))})[0]});
     },
     "lstm 4 backward", "steps"},
    {"the states of both directions",
     [](Builder& b, test::Random& r) {
       const ValueId h = b.add("a", recurrent(r, Cell::gru_reset_after, 3, 4, 2), {b.input("x", sequence(3))})[1];
       return activated(b, b.add_one("head", dense(r, 8, 3), {h}), Function::softmax);
     },
     "gru-reset-after 4 both", "softmax last"},
    {"the last step through dense layers",
     [](Builder& b, test::Random& r) {
       ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 4), {b.input("x", sequence(3))})[0];
       now = b.add_one("last", Pool{Pooling::last}, {now});
       now = activated(b, b.add_one("d", dense(r, 4, 5), {now}), Function::elu, 1);
       return activated(b, b.add_one("head", dense(r, 5, 3), {now}), Function::sigmoid);
     },
     "lstm 4, elu 5", "multilabel last"},
    {"the mean of all steps",
     [](Builder& b, test::Random& r) {
       const ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 4, 2), {b.input("x", sequence(3))})[0];
       return b.add_one("head", dense(r, 8, 3), {b.add_one("mean", Pool{Pooling::mean}, {now})});
     },
     "lstm 4 both", "mean"},
    {"the maximum of all steps, and no head",
     [](Builder& b, test::Random& r) {
       const ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 4), {b.input("x", sequence(3))})[0];
       return b.add_one("max", Pool{Pooling::maximum}, {now});
     },
     "1 lstm 4", "max", 1},
    {"an end in a recurrent layer",
     [](Builder& b, test::Random& r) {
       return b.add("a", recurrent(r, Cell::lstm, 3, 4), {b.input("x", sequence(3))})[0];
     },
     "1 lstm 4", "steps", 1},
    {"an end in tanh",
     [](Builder& b, test::Random& r) {
       const ValueId now = b.add("a", recurrent(r, Cell::gru_reset_after, 3, 4), {b.input("x", sequence(3))})[0];
       return activated(b, b.add_one("d", dense(r, 4, 2), {now}), Function::tanh);
     },
     "gru-reset-after 4, tanh 2", "steps", 1},
    {"an activation of a recurrent layer",
     [](Builder& b, test::Random& r) {
       const ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 4), {b.input("x", sequence(3))})[0];
       return b.add_one("head", dense(r, 4, 2), {activated(b, now, Function::relu)});
     },
     "lstm 4, relu 4", "steps"},
    {"scaled inputs and outputs",
     [](Builder& b, test::Random& r) {
       ValueId now = b.add_one("in", Scale{r.numbers(3), r.numbers(3)}, {b.input("x", sequence(3))});
       now = b.add_one("turned", Select{{2, 0}}, {now});
       now = b.add("a", recurrent(r, Cell::gru_reset_after, 2, 4), {now})[0];
       now = b.add_one("head", dense(r, 4, 2), {now});
       return b.add_one("out", Scale{r.numbers(2), r.numbers(2)}, {now});
     },
     "1 gru-reset-after 4", "steps"},
    {"tokens to other tokens",
     [](Builder& b, test::Random& r) {
       ValueId now = b.add_one("e", Embedding{3, 5, r.numbers(15), false}, {b.input("t", {Kind::tokens, 0})});
       now = b.add("a", recurrent(r, Cell::lstm, 5, 4), {now})[0];
       return b.add_one("head", dense(r, 4, 3), {now});
     },
     "1 lstm 4", "steps", 1},
    {"one-hot tokens to numbers",
     [](Builder& b, test::Random& r) {
       ValueId now = b.add_one("e", OneHot{4}, {b.input("t", {Kind::tokens, 0})});
       now = b.add("a", recurrent(r, Cell::rnn, 4, 4), {now})[0];
       return b.add_one("head", dense(r, 4, 3), {now});
     },
     "1 rnn 4", "squared steps"},
    {"lengths, and the last states of the upper layer out of all",
     [](Builder& b, test::Random& r) {
       const ValueId x = b.input("x", sequence(3));
       const ValueId mask = b.add_one("m", LengthMask{}, {b.input("lengths", {Kind::lengths, 0}, {}, true)});
       const auto a = b.add("a", recurrent(r, Cell::lstm, 3, 4, 2), {x, mask});
       const auto c = b.add("b", recurrent(r, Cell::lstm, 8, 4, 2), {a[0], mask});
       const ValueId all = b.add_one("all", Combine{}, {a[1], c[1]});
       const ValueId upper = b.add_one("upper", Select{{8, 9, 10, 11, 12, 13, 14, 15}}, {all});
       return b.add_one("head", dense(r, 8, 2), {upper});
     },
     "lstm 4 both, lstm 4 both", "last"},
    {"states that come in",
     [](Builder& b, test::Random& r) {
       const ValueId x = b.input("x", sequence(3)), h = b.input("h", {Kind::vector, 8}),
                     c = b.input("c", {Kind::vector, 8});
       const ValueId first = b.add_one("h0", Select{{0, 1, 2, 3}}, {h}),
                     second = b.add_one("h1", Select{{4, 5, 6, 7}}, {h});
       const ValueId c0 = b.add_one("c0", Select{{0, 1, 2, 3}}, {c}), c1 = b.add_one("c1", Select{{4, 5, 6, 7}}, {c});
       const auto a = b.add("a", recurrent(r, Cell::lstm, 3, 4), {x, no_value, first, c0});
       const auto d = b.add("b", recurrent(r, Cell::lstm, 4, 4), {a[0], no_value, second, c1});
       const ValueId y = b.add_one("head", dense(r, 4, 2), {d[0]});
       b.output("h_out", b.add_one("h_all", Combine{}, {a[1], d[1]}));
       b.output("c_out", b.add_one("c_all", Combine{}, {a[2], d[2]}));
       return y;
     },
     "2 lstm 4", "steps"},
    {"layers that do not begin at zeros",
     [](Builder& b, test::Random& r) {
       ValueId now = b.input("x", sequence(3));
       for (const Cell cell : {Cell::lstm, Cell::gru_reset_after}) {
         Recurrent part = recurrent(r, cell, b[now].features, 4, 2);
         for (Direction& direction : part.directions) {
           direction.initial_h = r.numbers(4);
           if (cell == Cell::lstm) direction.initial_c = r.numbers(4);
         }
         now = b.add("a", std::move(part), {now})[0];
       }
       return b.add_one("head", dense(r, 8, 2), {now});
     },
     "lstm 4 both learned, gru-reset-after 4 both learned", "steps"},
    {"inputs added to the outputs, which are scaled",
     [](Builder& b, test::Random& r) {
       const ValueId x = b.input("x", sequence(3));
       ValueId now = b.add("a", recurrent(r, Cell::lstm, 3, 4), {x})[0];
       now = b.add_one("head", dense(r, 4, 2), {now});
       Scale half = {Numbers(3), Numbers(3)}, twice = {Numbers(2), Numbers(2)};
       for (std::size_t i = 0; i < 3; ++i) half.factor.set(i, 0.5);
       for (std::size_t i = 0; i < 2; ++i) twice.factor.set(i, 2);
       const ValueId skip = b.add_one("x", Select{{2, 0}}, {b.add_one("half", std::move(half), {x})});
       return b.add_one("out", std::move(twice), {b.add_one("skip", Combine{Combination::sum}, {skip, now})});
     },
     "1 lstm 4 + 2 + 0", "steps"},
    {"the last input added to what the last step gives",
     [](Builder& b, test::Random& r) {
       const ValueId x = b.input("x", sequence(2));
       ValueId now = b.add("a", recurrent(r, Cell::gru_reset_before, 2, 4), {x})[0];
       now = activated(b, b.add_one("d", dense(r, 4, 2), {now}), Function::tanh);
       return b.add_one("last", Pool{Pooling::last}, {b.add_one("skip", Combine{Combination::sum}, {now, x})});
     },
     "gru 4, tanh 2 + 0 + 1", "last", 1},
};

class ForeignStack : public testing::TestWithParam<Case> {};

TEST_P(ForeignStack, IsWhatTheEngineComputes) {
  const Case& c = GetParam();
  test::Random random;
  Builder builder("test");
  const ValueId y = c.build(builder, random);
  builder.output("y", y);
  const Network network = builder.finish("test");
  Converted made = to_model(network, "test");
  EXPECT_EQ(text_of(made.model.config()), c.layers);
  const HeadConfig& head = made.model.config().head;
  EXPECT_EQ((head.loss.empty() ? "" : head.loss + " ") + head.at, c.head);
  EXPECT_EQ(made.remarks.size(), c.remarks);

  // A model file of it is one.
  const std::string bytes_path = testing::TempDir() + "stack_test.safetensors";
  save(made.model, bytes_path, {.force = true});
  made.model = load(bytes_path);
  const Feed feed = test::feed_of(network, 7, 3);
  const auto expected = evaluate(network, feed), found = run_model(made, network, feed);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    ASSERT_EQ(found[k].size(), expected[k].size()) << k;
    for (std::size_t i = 0; i < found[k].size(); ++i) EXPECT_NEAR(found[k][i], expected[k][i], 3e-6) << k << " " << i;
  }
}

TEST_P(ForeignStack, KeepsItsCheckAndIsComparedWithItWhenItIsRead) {
  test::Random random;
  Builder builder("test");
  const ValueId y = GetParam().build(builder, random);
  builder.output("y", y);
  const Network network = builder.finish("test");
  const std::string path = testing::TempDir() + "kept_test.safetensors";
  const Feed feed = test::feed_of(network, 6, 2);
  Example example = {6, 2, {}, {}, {}};
  for (const Port& port : network.inputs) {
    if (network.values[port.value].kind == Kind::lengths) example.lengths = feed.inputs.at(port.value);
  }
  const Converted empty = to_model(network, "test");
  Feed from_zeros = {6, 2, {}};
  for (const auto& [id, numbers] : feed.inputs) {
    from_zeros.inputs[id] = network.values[id].kind == Kind::vector ? std::vector<double>(numbers.size()) : numbers;
  }
  example.inputs = feed.inputs.at(network.inputs[empty.input].value);
  example.outputs = evaluate(network, from_zeros)[empty.output];

  Converted made = to_model(network, "test");
  EXPECT_EQ(keep_check(made, network, example, 1e-5), 2U);
  save(made.model, path, {.force = true});
  const Model read = load(path);
  EXPECT_EQ(read.notes().at(check_note), made.model.notes().at(check_note));

  // Other numbers than those of the source are refused, when they are kept and when they are read.
  Converted wrong = to_model(network, "test");
  example.outputs.back() += 1;
  if (!example.lengths.empty()) example.outputs.front() += 1;
  EXPECT_THROW(keep_check(wrong, network, example, 1e-5), Error);
  std::string text = made.model.notes().at(check_note);
  text.replace(text.rfind(' '), std::string::npos, " 77");
  wrong.model.notes()[check_note] = text;
  save(wrong.model, path, {.force = true});
  const std::string sentence = sluice::test::error_of(Status::bad_file, [&] { load(path); });
  EXPECT_NE(sentence.find("metadata sluice.note.source-check: expected 77.0"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("as the model's source has it, found"), std::string::npos) << sentence;

  // Weights that were changed are not the source's any more.
  Model changed = made.model;
  network_of(changed).parameters()[0][0] += 1;
  Team team(1);
  network_of(changed).pack(team);
  save(changed, path, {.force = true});
  EXPECT_FALSE(load(path).notes().contains(check_note));
}

// Scaled features are part of the first weights elsewhere; what nobody else has a form for is refused.
TEST(ForeignModels, ScaledFeaturesComeBackAsWeights) {
  std::string folder = ::testing::TempDir() + "sluice-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  Sequences all;
  all.inputs = 2;
  all.starts = {0, 5, 7};
  for (std::size_t i = 0; i < 14; ++i)
    all.values.push_back(i % 2 == 0 ? 100 + static_cast<float>(i) : 0.01f * static_cast<float>(i));
  for (const char* kind : {"recurrent", "dense"}) {
    Config config = {.inputs = 2, .outputs = 3};
    LayerConfig layer, first;
    layer.units = 5;
    layer.direction = "both";
    first.kind = kind;
    first.units = 4;
    if (first.kind == "recurrent") first.cell = "lstm";
    config.stack = {first, layer};
    config.scaling = {{105, 0.05}, {4, 0.03}};
    const Model model(config, 3);
    for (const std::string system : {"onnx", "keras"}) {
      const std::string path = folder + "/" + kind + system;
      export_model(model, system, path);
      const std::vector<float> expected = predict(model, all), found = predict(import_model(path), all);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << system << ' ' << i;
    }
    EXPECT_THROW(export_model(model, "fortran", folder + "/no"), Error);
    config.head.residual = {0, 0, 1};
    EXPECT_THROW(export_model(Model(config, 3), "onnx", folder + "/no"), Error);
    config.head.residual.clear();
    config.stack[1].initial_state = "learned";
    EXPECT_THAT(sluice::test::error_of(Status::usage, [&] { export_model(Model(config, 3), "onnx", folder + "/no"); }),
                testing::HasSubstr("expected layers that begin at zeros"));
  }
  std::filesystem::remove_all(folder);
}

TEST(ForeignModels, HeadsThatNoFormatHasAreNamed) {
  for (const char* loss : {"normal", "poisson"}) {
    Config config{.cell = "lstm", .hidden = 3, .inputs = 2, .outputs = 1};
    config.head.loss = loss;
    for (const char* system : {"pytorch", "onnx", "keras"}) {
      EXPECT_THAT(sluice::test::error_of(Status::usage, [&] { export_model(Model(config, 3), system, "none"); }),
                  testing::HasSubstr(std::string("a head of ") + loss));
    }
    EXPECT_THROW(export_model(Model(config, 3), "c", "none"), Error);
  }
}

TEST(ForeignModels, ACheckIsAsLongAsAFileMayHold) {
  const Network network = chain(Cell::lstm, 1);
  const Feed feed = test::feed_of(network, 9000, 2);
  Converted made = to_model(network, "test");
  const Example example = {9000, 2, feed.inputs.begin()->second, evaluate(network, feed)[0], {}};
  EXPECT_GE(keep_check(made, network, example, 1e-4), 1U);
  const std::string& text = made.model.notes().at(check_note);
  EXPECT_LE(text.size(), most_check_bytes);
  EXPECT_GT(text.size(), most_check_bytes / 4);
  EXPECT_TRUE(made.remarks.empty());
}

TEST(ForeignModels, AnyTextIsSafeAsACheck) {
  const Model model = to_model(chain(Cell::rnn, 1), "test").model;
  const auto begin_of = [](std::uint64_t print) {
    return std::to_string(print >> 32) + " " + std::to_string(print & 0xffffffffu);
  };
  const std::string begin = begin_of(model.fingerprint());
  EXPECT_NO_THROW(verify_check(network_of(model), begin, "where"));
  EXPECT_NO_THROW(verify_check(network_of(model), begin_of(network_of(model).former_fingerprint()), "where"));
  for (const std::string rest : {"\n0 1 1 0", "\n1e300 1 1 0", "\n1 99999 1", "\n1 1 1 7 0 0 0 0", "\n-1", "\nnan",
                                 "\n1 1 1 0 0 0", "\n1 1 1 0 inf 0 0 0", "\nx", "\n1 1 1 0 1 2 3 1e999"}) {
    EXPECT_THROW(verify_check(network_of(model), begin + rest, "where"), Error) << rest;
  }
  EXPECT_THROW(verify_check(network_of(model), "", "where"), Error);
  EXPECT_THROW(verify_check(network_of(model), "1 2\n", "where"), Error);
  EXPECT_THROW(verify_check(network_of(model), begin + std::string(most_check_bytes, ' '), "where"), Error);
}

INSTANTIATE_TEST_SUITE_P(Cases, ForeignStack, testing::ValuesIn(cases), [](const auto& c) {
  std::string name = c.param.name;
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
});

std::string refusal_of(const Network& network) {
  const std::string sentence = sluice::test::error_of(Status::failed, [&] { to_model(network, "a.onnx"); });
  const std::string begin = "a.onnx: a model file cannot hold this network: expected ";
  EXPECT_EQ(sentence.substr(0, begin.size()), begin);
  return sentence.substr(begin.size());
}

TEST(ForeignModels, WhatAModelCannotHoldIsNamed) {
  Network network = chain(Cell::lstm, 1);
  auto& layer = std::get<Recurrent>(network.parts[0].work);
  layer.clip = 3;
  EXPECT_EQ(refusal_of(network), "a cell with the usual equations, found \"layer\" (lstm, clip 3.000000)");
  layer.clip = 0;
  layer.directions[0].initial_h = Numbers(5);
  EXPECT_NO_THROW(to_model(network, "a.onnx"));
}

TEST(ForeignModels, WhatAFileCallsItselfNeedNotBeUtf8) {
  Network network = chain(Cell::rnn, 1);
  network.format = "ONNX (\xff)";
  EXPECT_EQ(to_model(network, "a\xfe.onnx").model.notes().at("imported"),
            "{\"file\":\"a\xef\xbf\xbd.onnx\",\"format\":\"ONNX (\xef\xbf\xbd)\"}");
}

TEST(ForeignModels, WhatWouldFillTheMemoryIsRefused) {
  test::Random random;
  Builder b("test");
  ValueId now = b.add("a", recurrent(random, Cell::rnn, 1, 1), {b.input("x", sequence(1))})[0];
  now = b.add_one("many", Select{std::vector<std::size_t>(std::size_t{1} << 17)}, {now});
  for (int i = 0; i < 40; ++i) {
    Select turned;
    for (std::size_t k = 0; k < std::size_t{1} << 17; ++k) turned.features.push_back((k + 1) % (std::size_t{1} << 17));
    const ValueId other = b.add_one("turned", std::move(turned), {now});
    now = b.add_one("sum", Combine{Combination::sum}, {now, other});
  }
  b.output("y", now);
  EXPECT_NE(refusal_of(b.finish("test")).find("fewer numbers that are selected and added"), std::string::npos);

  Builder wide("test");
  wide.output("y", wide.add("a", recurrent(random, Cell::rnn, 1, 5000), {wide.input("x", sequence(1))})[0]);
  EXPECT_EQ(refusal_of(wide.finish("test")), "a dense layer above \"a\", found none");
}

TEST(ForeignModels, WhatIsNoChainIsNamed) {
  test::Random random;
  Builder builder("test");
  const ValueId x = builder.input("x", sequence(2));
  ValueId now = builder.add("a", recurrent(random, Cell::rnn, 2, 2), {x})[0];
  now = builder.add_one("skip", Combine{Combination::sum}, {now, x});
  builder.output("y", builder.add("b", recurrent(random, Cell::rnn, 2, 2), {now})[0]);
  EXPECT_EQ(refusal_of(builder.finish("test")), "one chain of layers, found \"skip\" (sum)");

  Builder scaled("test");
  const ValueId u = scaled.input("x", sequence(2));
  const ValueId c = scaled.add("a", recurrent(random, Cell::rnn, 2, 2), {u})[0];
  const ValueId more = scaled.add_one("scale", Scale{random.numbers(2), Numbers(2)}, {u});
  scaled.output("y", scaled.add_one("skip", Combine{Combination::sum}, {c, more}));
  EXPECT_EQ(refusal_of(scaled.finish("test")),
            "one feature to add to each output, as it is read, found \"skip\" (sum)");

  // What stands at the first step, or in the mean of all, has no place in a model.
  for (const Pooling how : {Pooling::first, Pooling::mean, Pooling::maximum}) {
    Builder pooled("test");
    const ValueId w = pooled.input("x", sequence(2));
    Recurrent back = recurrent(random, Cell::rnn, 2, 2);
    back.directions[0].backward = true;
    const ValueId h = pooled.add_one("head", dense(random, 2, 2), {pooled.add("a", std::move(back), {w})[0]});
    const ValueId sum = pooled.add_one("skip", Combine{Combination::sum}, {h, w});
    pooled.output("y", pooled.add_one("pool", Pool{how}, {sum}));
    EXPECT_THAT(refusal_of(pooled.finish("test")), testing::StartsWith("the last step where an input is added, found"));
  }

  Builder lengths("test");
  const ValueId steps = lengths.input("x", sequence(2));
  const ValueId mask = lengths.add_one("m", LengthMask{}, {lengths.input("n", {Kind::lengths, 0}, {}, true)});
  const ValueId last = lengths.add("a", recurrent(random, Cell::rnn, 2, 2), {steps, mask})[1];
  const ValueId now_x = lengths.add_one("last", Pool{Pooling::last}, {steps});
  lengths.output("y", lengths.add_one("skip", Combine{Combination::sum}, {last, now_x}));
  EXPECT_EQ(refusal_of(lengths.finish("test")),
            "no input added to the last of steps with lengths of their own, found one");

  Builder classes("test");
  const ValueId v = classes.input("x", sequence(2));
  const ValueId d = classes.add("a", recurrent(random, Cell::rnn, 2, 2), {v})[0];
  const ValueId p = activated(classes, classes.add_one("head", dense(random, 2, 2), {d}), Function::softmax);
  classes.output("y", classes.add_one("skip", Combine{Combination::sum}, {p, v}));
  EXPECT_EQ(refusal_of(classes.finish("test")).substr(0, 4), "tanh");

  Builder joined("test");
  const ValueId z = joined.input("x", sequence(2));
  const ValueId b = joined.add("a", recurrent(random, Cell::rnn, 2, 2), {z})[0];
  const ValueId all = joined.add_one("all", Combine{}, {b, z});
  joined.output("y", joined.add_one("head", dense(random, 4, 1), {all}));
  EXPECT_EQ(refusal_of(joined.finish("test")), "one chain of layers, found \"all\" (concatenation)");
}

TEST(ForeignModels, StepsThatTheHeadCannotReadAreNamed) {
  const auto sentence_for = [](Pooling how, std::size_t directions, bool between) {
    test::Random random;
    Builder b("test");
    ValueId now = b.add("a", recurrent(random, Cell::lstm, 2, 2, directions), {b.input("x", sequence(2))})[0];
    now = b.add_one("pool", Pool{how}, {now});
    if (between) now = activated(b, b.add_one("d", dense(random, 2 * directions, 2), {now}), Function::tanh);
    b.output("y", b.add_one("head", dense(random, between ? 2 : 2 * directions, 1), {now}));
    return refusal_of(b.finish("test"));
  };
  EXPECT_EQ(sentence_for(Pooling::last, 2, false),
            "the last step of layers that read forward, found \"pool\" (last step)");
  EXPECT_EQ(sentence_for(Pooling::first, 1, false),
            "the first step of a backward layer alone, found \"pool\" (first step)");
  EXPECT_EQ(sentence_for(Pooling::mean, 1, true), "the head right above such steps, found \"d\" (dense)");
}

}  // namespace
}  // namespace sluice::foreign::stack_test
