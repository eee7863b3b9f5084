// Model files: what is saved is loaded bit for bit; the file means in PyTorch's equations what it means here; whatever
// is wrong with a file is named.
#include "formats/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "base/safetensors.h"
#include "base/threads.h"
#include "errors.h"
#include "model/model_access.h"
#include "sluice/formats.h"

namespace sluice::model_file_test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

Vocabulary vocabulary(std::size_t size = 7) {
  std::vector<std::string> tokens = {"<unk>", "\"", "grün", "\\n", "\xf0\x9f\x8c\x8a", "x", "<b>"};
  while (tokens.size() < size) tokens.push_back("word " + std::to_string(tokens.size()));
  tokens.resize(size);
  return Vocabulary({.level = Level::word, .lowercase = true, .lossy = false}, tokens);
}

void pack(Model& model) {
  Team team(1);
  network_of(model).pack(team);
}

// All weights, biases too, random: fresh biases are zeros, which would hide a swapped row.
Model example(const Config& config, std::size_t size = 7) {
  Model model(config, vocabulary(size), 3);
  Random random(11);
  Parameters& parameters = network_of(model).parameters();
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    for (float& value : parameters[i]) value = static_cast<float>(random.normal() * 0.7);
  }
  pack(model);
  model.notes()["trained"] = "by a test";
  model.notes()[""] = "{\"a\": \"\n\"}";
  return model;
}

std::vector<Config> configs() {
  return {{.cell = "rnn", .layers = 2, .hidden = 5, .embedding = 3},
          {.cell = "rnn", .hidden = 4, .tied = true, .activation = "relu"},
          {.cell = "lstm", .layers = 2, .hidden = 5, .embedding = 3, .dropout = 0.25},
          {.cell = "gru", .layers = 2, .hidden = 5, .embedding = 3},
          {.cell = "gru-reset-after", .layers = 2, .hidden = 5, .embedding = 3, .input_dropout = 0.1},
          {.cell = "gru-reset-after", .layers = 3, .hidden = 17, .tied = true}};
}

std::string of_layer(const std::string& name, std::size_t layer) { return name + "_l" + std::to_string(layer); }

std::vector<float> floats(const TensorFile& file, const std::string& name) {
  const Tensor* tensor = file.find(name);
  if (tensor == nullptr) throw std::out_of_range(name);
  std::vector<float> values(tensor->bytes.size() / 4);
  std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

std::span<const float> inside(const Model& model, const std::string& name) {
  const Parameters& parameters = network_of(model).parameters();
  return parameters[static_cast<std::size_t>(parameters.find(name) - parameters.shapes().data())];
}

bool same_bits(const Model& a, const Model& b) {
  const auto x = network_of(a).parameters().all(), y = network_of(b).parameters().all();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size_bytes()) == 0;
}

TEST(ModelFile, WhatIsSavedIsLoadedBitForBit) {
  for (const Config& config : configs()) {
    SCOPED_TRACE(config.cell);
    Model model = example(config);
    const std::string bytes = model_to_bytes(model);
    const Model got = model_from_bytes(bytes, "x");
    EXPECT_TRUE(same_bits(got, model));
    EXPECT_EQ(got.config().cell, config.cell);
    EXPECT_EQ(got.config().activation, config.activation);
    EXPECT_EQ(got.config().dropout, config.dropout);
    EXPECT_EQ(got.config().tied, config.tied);
    EXPECT_EQ(got.vocabulary().tokens(), model.vocabulary().tokens());
    EXPECT_EQ(got.vocabulary().text().level, Level::word);
    EXPECT_TRUE(got.vocabulary().text().lowercase);
    EXPECT_FALSE(got.vocabulary().text().lossy);
    EXPECT_EQ(got.notes(), model.notes());
    EXPECT_EQ(model_to_bytes(got), bytes);
    const std::vector<Token> tokens = {1, 2, 3, 4, 0, 6};
    EXPECT_EQ(got.score(tokens).nats, model.score(tokens).nats);
  }
}

TEST(ModelFile, ZeroOfEitherSignComesBack) {
  for (const Config& config : configs()) {
    Model model = example(config);
    Parameters& parameters = network_of(model).parameters();
    for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
      parameters[i][0] = 0.0f;
      parameters[i][1] = -0.0f;
      parameters[i].back() = -0.0f;
    }
    pack(model);
    EXPECT_TRUE(same_bits(model_from_bytes(model_to_bytes(model), "x"), model)) << config.cell;
  }
}

TEST(ModelFile, NamesAndShapesArePyTorchs) {
  using Shapes = std::map<std::string, std::vector<std::uint64_t>>;
  const auto shapes = [](const Config& config) {
    Shapes found;
    for (const Tensor& tensor : parse_safetensors(model_to_bytes(example(config)), "x").tensors) {
      EXPECT_EQ(tensor.dtype, "F32");
      found[tensor.name] = tensor.shape;
    }
    return found;
  };
  for (const auto& [cell, gates] :
       std::map<std::string, std::uint64_t>{{"rnn", 1}, {"lstm", 4}, {"gru", 3}, {"gru-reset-after", 3}}) {
    SCOPED_TRACE(cell);
    // PyTorch has no such GRU, so none of its modules may find weights that fit.
    const std::string rnn = cell == "gru" ? "rnn.gru." : "rnn.";
    EXPECT_EQ(shapes({.cell = cell, .layers = 2, .hidden = 5, .embedding = 3}),
              (Shapes{{"embedding.weight", {7, 3}},
                      {rnn + "weight_ih_l0", {gates * 5, 3}},
                      {rnn + "weight_hh_l0", {gates * 5, 5}},
                      {rnn + "bias_ih_l0", {gates * 5}},
                      {rnn + "bias_hh_l0", {gates * 5}},
                      {rnn + "weight_ih_l1", {gates * 5, 5}},
                      {rnn + "weight_hh_l1", {gates * 5, 5}},
                      {rnn + "bias_ih_l1", {gates * 5}},
                      {rnn + "bias_hh_l1", {gates * 5}},
                      {"head.weight", {7, 5}},
                      {"head.bias", {7}}}));
    EXPECT_FALSE(shapes({.cell = cell, .hidden = 4, .tied = true}).contains("head.weight"));
  }
}

// torch.nn.RNN, LSTM and GRU as their documentation prints them, in double, weights by name from the file.
class TorchNetwork {
 public:
  TorchNetwork(const TensorFile& file, const Config& config) : file_(file), config_(config) {
    h_.assign(config.layers, std::vector<double>(config.hidden));
    c_ = h_;
  }
  // log p of every token after one more input.
  std::vector<double> step(Token token) {
    const std::size_t E = file_.find("embedding.weight")->shape[1];
    const auto embedding = floats(file_, "embedding.weight");
    std::vector<double> x(E);
    for (std::size_t i = 0; i < E; ++i) x[i] = embedding[token * E + i];
    for (std::size_t k = 0; k < config_.layers; ++k) x = layer(k, x);
    auto y = affine(config_.tied ? "embedding.weight" : "head.weight", "head.bias", x);
    double sum = 0;
    for (const double logit : y) sum += std::exp(logit);
    for (double& logit : y) logit -= std::log(sum);
    return y;
  }

 private:
  std::vector<double> affine(const std::string& weight, const std::string& bias, const std::vector<double>& x) const {
    const auto W = floats(file_, weight), b = floats(file_, bias);
    std::vector<double> y(b.begin(), b.end());
    for (std::size_t i = 0; i < y.size(); ++i) {
      for (std::size_t j = 0; j < x.size(); ++j) y[i] += static_cast<double>(W[i * x.size() + j]) * x[j];
    }
    return y;
  }
  std::vector<double> layer(std::size_t k, const std::vector<double>& x) {
    const auto a = affine(of_layer("rnn.weight_ih", k), of_layer("rnn.bias_ih", k), x);
    const auto u = affine(of_layer("rnn.weight_hh", k), of_layer("rnn.bias_hh", k), h_[k]);
    const std::size_t H = config_.hidden;
    const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    for (std::size_t j = 0; j < H; ++j) {
      double& h = h_[k][j];
      if (config_.cell == "rnn") {
        h = config_.activation == "relu" ? std::max(0.0, a[j] + u[j]) : std::tanh(a[j] + u[j]);
      } else if (config_.cell == "lstm") {
        const double i = sigmoid(a[j] + u[j]), f = sigmoid(a[H + j] + u[H + j]);
        const double g = std::tanh(a[2 * H + j] + u[2 * H + j]), o = sigmoid(a[3 * H + j] + u[3 * H + j]);
        c_[k][j] = f * c_[k][j] + i * g;
        h = o * std::tanh(c_[k][j]);
      } else {
        const double r = sigmoid(a[j] + u[j]), z = sigmoid(a[H + j] + u[H + j]);
        const double n = std::tanh(a[2 * H + j] + r * u[2 * H + j]);
        h = (1 - z) * n + z * h;
      }
    }
    return h_[k];
  }

  const TensorFile& file_;
  Config config_;
  std::vector<std::vector<double>> h_, c_;
};

TEST(ModelFile, MeansInPyTorchsEquationsWhatItMeansHere) {
  for (const Config& config : configs()) {
    if (config.cell == "gru") continue;  // has no form there
    SCOPED_TRACE(config.cell);
    const Model model = example(config);
    const TensorFile file = parse_safetensors(model_to_bytes(model), "x");
    const std::vector<Token> tokens = {3, 1, 4, 1, 5, 2, 6};
    const Scores scores = model.score(tokens);
    TorchNetwork torch(file, config);
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      EXPECT_NEAR(scores.nats[t], -torch.step(tokens[t])[tokens[t + 1]], 1e-5) << "step " << t;
    }
    const json check = json::parse(file.metadata.at("sluice.self-check"));
    TorchNetwork again(file, config);
    std::size_t number = 0;
    for (const Token input : check["input"]) {
      const auto answer = again.step(input);
      for (const Token output : check["outputs"]) {
        EXPECT_NEAR(check["log_probabilities"][number++], answer[output], 1e-5);
      }
    }
    EXPECT_EQ(number, check["log_probabilities"].size());
  }
}

TEST(ModelFile, GruIsStoredAsItIsInsideAndSaysSo) {
  const Model model = example({.cell = "gru", .hidden = 5, .embedding = 3});
  const TensorFile file = parse_safetensors(model_to_bytes(model), "x");
  const auto equal = [&](const std::string& in_file, const std::string& name) {
    return std::ranges::equal(floats(file, in_file), inside(model, name));
  };
  EXPECT_TRUE(equal("rnn.gru.weight_ih_l0", "rnn.weight_ih_l0"));
  EXPECT_TRUE(equal("rnn.gru.weight_hh_l0", "rnn.weight_hh_l0"));
  EXPECT_TRUE(equal("rnn.gru.bias_ih_l0", "rnn.bias_l0"));
  EXPECT_THAT(floats(file, "rnn.gru.bias_hh_l0"), ::testing::Each(0.0f));
  EXPECT_EQ(file.metadata.at("sluice.cell"), "gru");
  EXPECT_THAT(file.metadata.at("sluice.equations"), HasSubstr("U_h (r * h)"));
}

// A file of the same tensors and metadata, changed by `change`, with a checksum of its own.
std::string changed(const Model& model, const std::function<void(TensorFile&)>& change) {
  TensorFile file = parse_safetensors(model_to_bytes(model), "x");
  change(file);
  return format_with_checksum(std::move(file));
}

Tensor& tensor(TensorFile& file, const std::string& name) { return *const_cast<Tensor*>(file.find(name)); }

void set_floats(TensorFile& file, const std::string& name, const std::vector<float>& values) {
  std::memcpy(tensor(file, name).bytes.data(), values.data(), values.size() * 4);
}

TEST(ModelFile, TwoBiasesAsPyTorchTrainsThemAreSummed) {
  for (const Config& config : configs()) {
    if (config.cell == "gru") continue;  // which PyTorch does not have
    SCOPED_TRACE(config.cell);
    const Model model = example(config);
    const std::string bytes = changed(model, [&](TensorFile& file) {
      for (std::size_t k = 0; k < config.layers; ++k) {
        auto ih = floats(file, of_layer("rnn.bias_ih", k)), hh = floats(file, of_layer("rnn.bias_hh", k));
        // The last third of PyTorch's GRU is n, whose two biases mean different things.
        const std::size_t summed = config.cell == "gru-reset-after" ? ih.size() / 3 * 2 : ih.size();
        for (std::size_t i = 0; i < summed; ++i) {
          hh[i] = 0.5f + static_cast<float>(i);
          ih[i] -= hh[i];
        }
        set_floats(file, of_layer("rnn.bias_ih", k), ih);
        set_floats(file, of_layer("rnn.bias_hh", k), hh);
      }
    });
    const Model got = model_from_bytes(bytes, "x");  // passes the self-check
    for (std::size_t k = 0; k < config.layers; ++k) {
      const auto a = inside(got, of_layer("rnn.bias", k)), b = inside(model, of_layer("rnn.bias", k));
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
    }
  }
}

TEST(ModelFile, WeightsChangedElsewhereAreAcceptedWhenTheFileSaysSo) {
  const Model model = example(configs()[2]);
  TensorFile file = parse_safetensors(model_to_bytes(model), "x");
  set_floats(file, "head.bias", {1, 2, 3, 4, 5, 6, 7});
  EXPECT_THROW(model_from_bytes(format_safetensors(file), "x"), Error);
  file.metadata["sluice.checksum"] = "none";
  EXPECT_THROW(model_from_bytes(format_safetensors(file), "x"), Error);
  file.metadata["sluice.self-check"] = "none";
  EXPECT_EQ(inside(model_from_bytes(format_safetensors(file), "x"), "head.bias")[6], 7);
}

std::string refusal(const std::string& bytes) {
  try {
    model_from_bytes(bytes, "m.safetensors");
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::bad_file) << error.what();
    EXPECT_THAT(error.what(), AllOf(HasSubstr("m.safetensors: "), HasSubstr("expected "), HasSubstr(", found ")));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return {};
}

TEST(ModelFile, EveryTruncationIsRefused) {
  const std::string bytes = model_to_bytes(example({.cell = "gru", .hidden = 3, .embedding = 2}));
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 50) refusal(bytes.substr(0, size));
  refusal(bytes.substr(0, bytes.size() - 1));
  refusal(bytes + '\0');
}

TEST(ModelFile, AFlippedBitAnywhereIsFound) {
  for (const Config& config : {configs()[2], configs()[4]}) {
    const std::string bytes = model_to_bytes(example(config));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << i % 8);
      EXPECT_THROW(model_from_bytes(flipped, "x"), Error) << config.cell << ", byte " << i;
    }
  }
}

TEST(ModelFile, WrongWeightsAreNamed) {
  const Model model = example({.cell = "gru", .hidden = 5, .embedding = 3});
  const auto message = [&](const std::function<void(TensorFile&)>& change) { return refusal(changed(model, change)); };
  const auto set = [&](const std::string& name, std::size_t index, float value) {
    return message([&](TensorFile& file) {
      auto values = floats(file, name);
      values[index] = value;
      set_floats(file, name, values);
    });
  };
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(set("head.weight", 17, nan), AllOf(HasSubstr("head.weight"), HasSubstr("number 17"), HasSubstr("NaN")));
  EXPECT_THAT(set("rnn.gru.bias_ih_l0", 0, -infinity), AllOf(HasSubstr("rnn.gru.bias_ih_l0"), HasSubstr("-infinity")));
  EXPECT_THAT(set("head.bias", 0, 1.0f), HasSubstr("self-check"));
  EXPECT_THAT(set("rnn.gru.weight_hh_l0", 30, 9.0f), HasSubstr("self-check"));
  EXPECT_THAT(message([](TensorFile& file) {
                const std::vector<float> large(15, std::numeric_limits<float>::max());
                set_floats(file, "rnn.gru.bias_ih_l0", large);
                set_floats(file, "rnn.gru.bias_hh_l0", large);
              }),
              AllOf(HasSubstr("rnn.gru.bias_hh_l0"), HasSubstr("infinity")));
  EXPECT_THAT(message([](TensorFile& file) {
                tensor(file, "head.weight").shape = {5, 7};
              }),
              AllOf(HasSubstr("head.weight"), HasSubstr("[7, 5]"), HasSubstr("[5, 7]")));
  EXPECT_THAT(message([](TensorFile& file) { tensor(file, "embedding.weight").shape = {21}; }),
              AllOf(HasSubstr("embedding.weight"), HasSubstr("two dimensions")));
  EXPECT_THAT(message([](TensorFile& file) { tensor(file, "head.bias").dtype = "I32"; }),
              AllOf(HasSubstr("head.bias"), HasSubstr("F32"), HasSubstr("I32")));
  EXPECT_THAT(message([](TensorFile& file) { tensor(file, "head.bias").name = "head.bios"; }),
              AllOf(HasSubstr("\"head.bias\""), HasSubstr("no tensor")));
  EXPECT_THAT(message([](TensorFile& file) {
                file.tensors.push_back({"more", "F32", {1}, "1234"});
              }),
              AllOf(HasSubstr("\"more\""), HasSubstr("no such tensor")));
  EXPECT_THAT(message([](TensorFile& file) { file.tensors.clear(); }), HasSubstr("embedding.weight"));
}

TEST(ModelFile, WrongMetadataIsNamed) {
  const Model model = example({.cell = "gru", .hidden = 5, .embedding = 3});
  const auto message = [&](const std::string& key, const std::string& value) {
    const std::string text = refusal(changed(model, [&](TensorFile& file) { file.metadata[key] = value; }));
    EXPECT_THAT(text, HasSubstr(key));
    return text;
  };
  for (const char* key :
       {"sluice.version", "sluice.cell", "sluice.config", "sluice.text", "sluice.vocabulary", "sluice.self-check"}) {
    EXPECT_THAT(refusal(changed(model, [&](TensorFile& file) { file.metadata.erase(key); })), HasSubstr(key));
    for (const char* value : {"", "{", "[]", "{}", "[1]", "null", "\x01", "[[[[[[", "{\"a\":{\"b\":[]}}"}) {
      message(key, value);
    }
  }
  EXPECT_THAT(message("sluice.version", "4"), AllOf(HasSubstr("newer version 4"), HasSubstr("version 3")));
  EXPECT_THAT(message("sluice.version", "99999999999"), HasSubstr("a version"));
  EXPECT_THAT(message("sluice.config", R"({"cell":"elm","hidden":5,"embedding":3})"), HasSubstr("elm"));
  EXPECT_THAT(message("sluice.cell", "gru-reset-after"), HasSubstr("gru-reset-after"));
  EXPECT_THAT(message("sluice.vocabulary", R"(["<unk>","a","b","c","d","e"])"), HasSubstr("7"));
  EXPECT_THAT(message("sluice.vocabulary", R"(["<unk>","a","b","c","d","e","f","g"])"), HasSubstr("more"));
  message("sluice.vocabulary", R"(["<unk>","a","b","c","d","e","e"])");
  message("sluice.vocabulary", R"(["a","<unk>","b","c","d","e","f"])");
  message("sluice.vocabulary", R"(["<unk>","a","b",["c"],"d","e","f"])");
  EXPECT_THAT(message("sluice.text", R"({"level":"syllable","lowercase":false,"lossy":false})"), HasSubstr("syllable"));
  message("sluice.text", R"({"level":"word","lowercase":0,"lossy":false})");
  message("sluice.text", R"({"level":"word","lowercase":false,"lossy":false,"more":1})");
  EXPECT_THAT(message("sluice.self-check", R"({"input":[7],"outputs":[0],"log_probabilities":[-1]})"),
              HasSubstr("input in range"));
  EXPECT_THAT(message("sluice.self-check", R"({"input":[0],"outputs":[-1],"log_probabilities":[-1]})"),
              HasSubstr("outputs in range"));
  EXPECT_THAT(message("sluice.self-check", R"({"input":[0],"outputs":[0],"log_probabilities":[-1,-1]})"),
              HasSubstr("for every input and output"));
  EXPECT_THAT(message("sluice.self-check", R"({"input":[0],"outputs":[0],"log_probabilities":[null]})"),
              AllOf(HasSubstr("log_probabilities, at most 256 numbers"), HasSubstr("null")));
  EXPECT_THAT(message("sluice.self-check", R"({"input":[],"outputs":[],"log_probabilities":[]})"),
              HasSubstr("for every input and output"));
  for (const char* bad : {"7", "{}", R"({"input":0})", R"({"input":[[0]]})", R"({"input":{}})", R"({"steps":1})",
                          R"({"input":[0],"input":[0]})", R"([{"input":[0]}])", R"({"outputs":[0],"values":[0]})"}) {
    message("sluice.self-check", bad);
  }
  EXPECT_THAT(message("sluice.self-check", std::string(100000, '[')), HasSubstr("found an array"));
}

// No more than save() writes, and nothing is computed before that is known: 13,000 steps took 1.8 s.
TEST(ModelFile, AStrangersSelfCheckMakesNoWork) {
  const auto refusal = [](std::size_t inputs, std::size_t outputs) {
    const auto zeros = [](std::size_t count, const char* zero) {
      std::string text = "[";
      for (std::size_t i = 0; i < count; ++i) text.append(i > 0 ? "," : "").append(zero);
      return text + "]";
    };
    const std::string check = R"({"outputs":)" + zeros(outputs, "0") + R"(,"log_probabilities":)" +
                              zeros(inputs * outputs, "-1.5") + R"(,"input":)" + zeros(inputs, "0") + "}";
    const std::string bytes = changed(example({.cell = "gru", .hidden = 5, .embedding = 3}),
                                      [&](TensorFile& file) { file.metadata["sluice.self-check"] = check; });
    return test::error_of(Status::bad_file, [&] { model_from_bytes(bytes, "m"); });
  };
  EXPECT_THAT(refusal(8, 32), HasSubstr("after step 1"));
  EXPECT_THAT(refusal(9, 1), AllOf(HasSubstr("input in range"), HasSubstr("at most 8 numbers"), HasSubstr("more")));
  EXPECT_THAT(refusal(1, 33), AllOf(HasSubstr("outputs in range"), HasSubstr("at most 32 numbers")));
  EXPECT_THAT(refusal(13000, 1), HasSubstr("log_probabilities, at most 256 numbers"));
}

// Sizes far beyond the file are refused by comparing numbers, before any memory is taken.
TEST(ModelFile, AbsurdSizesAreRefused) {
  const Model model = example({.cell = "gru", .hidden = 5, .embedding = 3});
  for (const char* config : {R"({"cell":"gru","layers":256,"hidden":131072,"embedding":131072})",
                             R"({"cell":"gru","layers":18446744073709551615,"hidden":5,"embedding":3})",
                             R"({"cell":"gru","layers":1,"hidden":18446744073709551615,"embedding":3})",
                             R"({"cell":"gru","layers":256,"hidden":5,"embedding":3})"}) {
    refusal(changed(model, [&](TensorFile& file) { file.metadata["sluice.config"] = config; }));
  }
}

TEST(ModelFile, WeightsThatAreNotFiniteAreNotSaved) {
  const auto refused = [](const Model& model) {
    try {
      model_to_bytes(model);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::failed);
      return std::string(error.what());
    }
    return std::string();
  };
  Model model = example({.cell = "rnn", .hidden = 4, .activation = "relu"});
  EXPECT_EQ(refused(model), "");
  Parameters& parameters = network_of(model).parameters();
  parameters[0][2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refused(model), AllOf(HasSubstr(parameters.shapes()[0].name), HasSubstr("number 2")));
  for (float& value : parameters.all()) value = 1e30f;
  pack(model);
  EXPECT_THAT(refused(model), HasSubstr("finite"));
}

TEST(ModelFile, NoteOfAnyBytesIsSaved) {
  Model model = example({.cell = "rnn", .hidden = 4});
  model.notes()["file"] = "caf\xe9.txt";
  EXPECT_EQ(model_from_bytes(model_to_bytes(model), "x").notes().at("file"), "caf\xef\xbf\xbd.txt");
}

TEST(ModelFile, SmallAndLargeVocabularies) {
  for (const std::size_t size : {std::size_t{2}, std::size_t{1000}}) {
    const Model model = example({.cell = "lstm", .hidden = 4}, size);
    EXPECT_TRUE(same_bits(model_from_bytes(model_to_bytes(model), "x"), model));
  }
}

TEST(ModelFile, SaveAndLoadByName) {
  std::string folder = (std::filesystem::temp_directory_path() / "sluice-model-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/m.safetensors";
  const Model model = example(configs()[0]);
  save(model, path);
  EXPECT_TRUE(same_bits(load(path), model));
  EXPECT_TRUE(same_bits(load(to_bytes(model)), model));
  EXPECT_THROW(save(model, path), Error);
  save(example(configs()[2]), path, {.force = true});
  EXPECT_EQ(load(path).config().cell, "lstm");
  for (const std::string& bad : {folder, folder + "/none", std::string("/dev/zero")}) {
    try {
      load(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::bad_file);
      EXPECT_THAT(error.what(), HasSubstr(bad));
    }
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::model_file_test
