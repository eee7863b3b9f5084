// A network's fields: their ranges, and the way to a file and back.
#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iomanip>
#include <limits>
#include <map>
#include <sstream>

#include "errors.h"

namespace sluice::config_test {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Configs in which no field has its default but what the cell has no use for: the choice of an activation is the plain
// rnn's, the forget gate the LSTM's.
Config unusual() {
  return {.cell = "lstm",
          .layers = 3,
          .hidden = 17,
          .embedding = 17,
          .tied = true,
          .dropout = 0.1,
          .input_dropout = 1.0 / 3,
          .weight_dropout = 0.2,
          .forget_bias = -0.25};
}

Config unusual_on_numbers() {
  return {.cell = "rnn",
          .layers = 3,
          .hidden = 17,
          .dropout = 0.1,
          .input_dropout = 1.0 / 3,
          .weight_dropout = 0.25,
          .activation = "relu",
          .inputs = 5,
          .outputs = 2};
}

// Every field as text, by name.
std::map<std::string, std::string> fields(const Config& config) {
  std::map<std::string, std::string> texts;
  visit_config(config, [&](const char* name, const auto& member, const char*) {
    std::ostringstream text;
    text << std::setprecision(17) << member;
    texts[name] = text.str();
  });
  return texts;
}

TEST(Config, EveryFieldGoesToTheFileAndBack) {
  const auto expected = fields(unusual()), defaults = fields({});
  for (const auto& [name, text] : expected) {
    ASSERT_TRUE(text != defaults.at(name) || name == "activation") << name << " would not be tested";
  }
  EXPECT_EQ(fields(config_from_json(config_to_json(unusual()), "file")), expected);
}

TEST(Config, EveryFieldOnNumbersGoesToTheFileAndBack) {
  const auto expected = fields(unusual_on_numbers()), defaults = fields({.cell = "gru", .inputs = 1});
  for (const auto& [name, text] : expected) {
    ASSERT_TRUE(text != defaults.at(name) || name == "forget-bias") << name << " would not be tested";
  }
  EXPECT_EQ(fields(config_from_json(config_to_json(unusual_on_numbers()), "file")), expected);
}

// Flags, help and files of a text model know nothing of numbers, and the other way round.
TEST(Config, EachKindHasItsOwnFields) {
  const auto text = fields(unusual()), numbers = fields(unusual_on_numbers());
  for (const char* name : {"embedding", "tied"}) EXPECT_TRUE(text.contains(name) && !numbers.contains(name)) << name;
  for (const char* name : {"inputs", "outputs"}) EXPECT_TRUE(!text.contains(name) && numbers.contains(name)) << name;
}

TEST(Config, EmbeddingIsFilledIn) {
  EXPECT_EQ(checked({.hidden = 20}).embedding, 20u);
  EXPECT_EQ(checked({.hidden = 20, .embedding = 7}).embedding, 7u);
}

TEST(Config, OutOfRangeIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const auto message = [](const Config& config) { return error_of(Status::usage, [&] { checked(config); }); };
  EXPECT_THAT(message({.cell = "elm"}), AllOf(HasSubstr("elm"), HasSubstr("gru")));
  EXPECT_THAT(message({.layers = 0}), AllOf(StartsWith("layers: expected "), HasSubstr("found 0")));
  EXPECT_THAT(message({.layers = 257}), HasSubstr("257"));
  EXPECT_THAT(message({.hidden = 0}), StartsWith("hidden: "));
  EXPECT_THAT(message({.hidden = std::size_t{1} << 60}), StartsWith("hidden: "));
  EXPECT_THAT(message({.embedding = 1 << 20}), StartsWith("embedding: "));
  EXPECT_THAT(message({.hidden = 8, .embedding = 9, .tied = true}), AllOf(StartsWith("tied: "), HasSubstr("9")));
  for (const double share : {-0.1, 1.0, 1.5, nan, infinity}) {
    EXPECT_THAT(message({.dropout = share}), StartsWith("dropout: "));
    EXPECT_THAT(message({.input_dropout = share}), StartsWith("input-dropout: "));
    EXPECT_THAT(message({.weight_dropout = share}), StartsWith("weight-dropout: "));
  }
  EXPECT_THAT(message({.activation = "sine"}), AllOf(StartsWith("activation: "), HasSubstr("sine")));
  for (const double bias : {nan, infinity, -infinity, 101.0}) {
    EXPECT_THAT(message({.forget_bias = bias}), StartsWith("forget-bias: "));
  }
  EXPECT_THAT(message({.outputs = 1}), AllOf(StartsWith("outputs: "), HasSubstr("no inputs")));
  EXPECT_THAT(message({.inputs = 1}), StartsWith("outputs: "));
  EXPECT_THAT(message({.inputs = 1 << 20, .outputs = 1}), StartsWith("inputs: "));
  EXPECT_THAT(message({.embedding = 3, .inputs = 1, .outputs = 1}), StartsWith("embedding: "));
  EXPECT_THAT(message({.tied = true, .inputs = 1, .outputs = 1}), StartsWith("tied: "));
  EXPECT_NO_THROW(checked({.cell = "rnn", .layers = 256, .hidden = 1, .dropout = 0.999, .activation = "relu"}));
  EXPECT_NO_THROW(checked({.cell = "lstm", .forget_bias = -100}));
}

// Layers of each kind and cell, with another value in each field that they have no use for, and without.
struct Unused {
  LayerConfig layer, plain;
  std::string field, expected, found;
};

std::vector<Unused> unused() {
  const LayerConfig dense = {.kind = "dense"};
  std::vector<Unused> all;
  const auto add = [&](LayerConfig layer, auto member, auto value, const char* field, const char* expected,
                       const char* found) {
    const LayerConfig plain = layer;
    layer.*member = value;
    all.push_back({layer, plain, field, expected, found});
  };
  add(dense, &LayerConfig::cell, "lstm", "cell", "the default, \"gru\", since no dense layer uses it", "\"lstm\"");
  add(dense, &LayerConfig::direction, "both", "direction", "the default, \"forward\"", "\"both\"");
  add(dense, &LayerConfig::weight_dropout, 0.5, "weight-dropout", "the default, 0", "0.5");
  add(dense, &LayerConfig::forget_bias, 0, "forget-bias", "the default, 1", "0");
  add(dense, &LayerConfig::initial_state, "learned", "initial-state", "the default, \"zero\"", "\"learned\"");
  for (const char* cell : {"lstm", "gru", "gru-reset-after"}) {
    for (const char* direction : {"forward", "both"}) {
      add({.cell = cell, .direction = direction}, &LayerConfig::activation, "relu", "activation",
          "the default, \"tanh\"", "\"relu\"");
    }
  }
  for (const char* cell : {"rnn", "gru", "gru-reset-after"}) {
    add({.cell = cell}, &LayerConfig::forget_bias, 2.5, "forget-bias", "the default, 1", "2.5");
  }
  return all;
}

TEST(Config, FieldsThatALayerDoesNotUseAreRefused) {
  for (const Unused& one : unused()) {
    SCOPED_TRACE(one.layer.kind + " " + one.layer.cell + " " + one.field);
    Config config{.stack = {{.units = 5}, one.layer}};
    EXPECT_THAT(
        error_of(Status::usage, [&] { checked(config); }),
        AllOf(StartsWith("layer 1: " + one.field + ": expected " + one.expected), HasSubstr("found " + one.found)));
    if (one.layer.kind == "dense" || one.layer.direction != "forward") continue;
    Config few{.cell = one.layer.cell, .activation = one.layer.activation, .forget_bias = one.layer.forget_bias};
    EXPECT_THAT(error_of(Status::usage, [&] { checked(few); }),
                AllOf(StartsWith(one.field + ": expected " + one.expected),
                      HasSubstr("no " + one.layer.cell + " layer uses it, found " + one.found)));
  }
  EXPECT_NO_THROW(checked({.stack = {{.cell = "rnn", .activation = "relu"},
                                     {.kind = "dense", .activation = "elu"},
                                     {.cell = "lstm", .direction = "both", .weight_dropout = 0.1, .forget_bias = 0}}}));
}

// A field of the shorthand would be ignored.
TEST(Config, IsEitherAStackOrTheShorthand) {
  const std::vector<LayerConfig> stack = {{.units = 5}, {.kind = "dense", .units = 3}};
  const auto refusal = [&](Config config) {
    config.stack = stack;
    return error_of(Status::usage, [&] { checked(config); });
  };
  EXPECT_THAT(refusal({.cell = "lstm"}), StartsWith("cell: expected the default beside a stack"));
  EXPECT_THAT(refusal({.layers = 2}), StartsWith("layers: expected the default"));
  EXPECT_THAT(refusal({.hidden = 5}), StartsWith("hidden: expected the default"));
  EXPECT_THAT(refusal({.dropout = 0.1}), StartsWith("dropout: expected the default"));
  const Config three{.layers = 3, .hidden = 5, .stack = {{.units = 5}, {.units = 5}}};
  EXPECT_THAT(error_of(Status::usage, [&] { checked(three); }), StartsWith("hidden: expected the default"));
  Config config{.cell = "lstm", .layers = 2, .dropout = 0.1};
  set_stack(config, stack);
  EXPECT_EQ(checked(config).stack, stack);
  // Both say the same.
  EXPECT_NO_THROW(checked({.layers = 2, .hidden = 5, .stack = {{.units = 5}, {.units = 5}}}));
}

// Once they were written to files as they were given.
TEST(Config, FilesMayHaveFieldsThatALayerDoesNotUse) {
  for (const Unused& one : unused()) {
    SCOPED_TRACE(one.layer.kind + " " + one.layer.cell + " " + one.field);
    const Config config{.stack = {{.units = 5}, one.layer}};
    const Config read = config_from_json(config_to_json(config), "file", {.stack = stack_to_json(config)});
    EXPECT_EQ(read.stack, (std::vector<LayerConfig>{{.units = 5}, one.plain}));
  }
  const Config read = config_from_json(R"({"cell":"gru","hidden":3,"activation":"relu","forget-bias":2})", "file");
  EXPECT_EQ(read.activation, "tanh");
  EXPECT_EQ(read.forget_bias, 1);
  EXPECT_EQ(read.hidden, 3u);
}

TEST(Config, JsonThatIsWrongIsNamed) {
  const auto message = [](const std::string& json) {
    const std::string text = error_of(Status::bad_file, [&] { config_from_json(json, "m.safetensors: config"); });
    EXPECT_THAT(text, AllOf(StartsWith("m.safetensors: config: "), HasSubstr("expected "), HasSubstr(", found ")));
    return text;
  };
  EXPECT_EQ(config_from_json(R"({"cell":"rnn"})", "x").hidden, Config().hidden);
  message("");
  message("[]");
  message(R"({"cell":"gru")");
  EXPECT_THAT(message("{}"), HasSubstr("cell"));
  EXPECT_THAT(message(R"({"cell":"elm"})"), HasSubstr("elm"));
  EXPECT_THAT(message(R"({"cell":["gru"]})"), HasSubstr("array"));
  EXPECT_THAT(message(R"({"cell":"gru","colour":"red"})"), HasSubstr("colour"));
  EXPECT_THAT(message(R"({"cell":"gru","hidden":-1})"), AllOf(HasSubstr("hidden"), HasSubstr("-1")));
  EXPECT_THAT(message(R"({"cell":"gru","hidden":1.5})"), HasSubstr("1.5"));
  EXPECT_THAT(message(R"({"cell":"gru","hidden":true})"), HasSubstr("true"));
  EXPECT_THAT(message(R"({"cell":"gru","tied":1})"), HasSubstr("tied"));
  EXPECT_THAT(message(R"({"cell":"gru","dropout":"much"})"), HasSubstr("much"));
  EXPECT_THAT(message(R"({"cell":"gru","dropout":2})"), HasSubstr("dropout"));
  EXPECT_THAT(message(R"({"cell":"gru","hidden":10,"embedding":5,"tied":true})"), HasSubstr("tied"));
  EXPECT_THAT(message(R"({"cell":"gru","inputs":0})"), HasSubstr("inputs"));
  EXPECT_THAT(message(R"({"cell":"gru","inputs":2})"), HasSubstr("outputs"));
  EXPECT_THAT(message(R"({"cell":"gru","inputs":2,"outputs":1,"embedding":4})"), HasSubstr("embedding"));
  EXPECT_THAT(message(R"({"cell":"gru","outputs":1})"), HasSubstr("outputs"));
  EXPECT_THAT(message("{\"cell\":\"" + std::string(100000, 'x') + "\"}"), HasSubstr("65536"));
  message(std::string(60000, '['));
}

}  // namespace
}  // namespace sluice::config_test
