// Model files of models on numbers: bit for bit there and back, PyTorch's names, and what is wrong named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/safetensors.h"
#include "errors.h"
#include "formats/gate_order.h"
#include "formats/model_file.h"
#include "model/model_access.h"
#include "model/stream_samples.h"

namespace sluice::numbers_file_test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class NumbersFile : public test::EveryCell {
 protected:
  Model model() const { return test::random_model(GetParam(), false, {2, 9, 3, 40}, 5); }
};

TEST_P(NumbersFile, WhatIsSavedIsLoadedBitForBit) {
  const Model saved = model();
  const std::string bytes = model_to_bytes(saved);
  const Model loaded = model_from_bytes(bytes, "x");
  EXPECT_TRUE(test::same_bits(network_of(loaded).parameters().all(), network_of(saved).parameters().all()));
  EXPECT_EQ(loaded.config().inputs, 3u);
  EXPECT_EQ(loaded.config().outputs, 40u);
  EXPECT_FALSE(loaded.reads_text());
  EXPECT_EQ(loaded.vocabulary().size(), 0u);
  EXPECT_EQ(model_to_bytes(loaded), bytes);
  Random random(1);
  const test::StreamInput input = test::random_input(saved, 9, random);
  Stream a(saved), b(loaded);
  EXPECT_TRUE(test::same_bits(test::answers(saved, a, input, 0, 9), test::answers(loaded, b, input, 0, 9)));
}

TEST_P(NumbersFile, HoldsPyTorchsTensorsAndNoVocabulary) {
  const TensorFile file = parse_safetensors(model_to_bytes(model()), "x");
  const std::string cell = model().config().cell;
  const bool of_pytorch = std::ranges::find(pytorch_cells, cell) != pytorch_cells.end();
  const Tensor* input = file.find("rnn." + (of_pytorch ? "" : cell + ".") + "weight_ih_l0");
  ASSERT_NE(input, nullptr);
  EXPECT_EQ(input->shape, (std::vector<std::uint64_t>{model().cell().input_rows * 9, 3}));
  EXPECT_EQ(file.find("embedding.weight"), nullptr);
  EXPECT_EQ(file.find("head.weight")->shape, (std::vector<std::uint64_t>{40, 9}));
  EXPECT_EQ(file.find("head.bias")->shape, (std::vector<std::uint64_t>{40}));
  EXPECT_FALSE(file.metadata.contains("sluice.vocabulary"));
  EXPECT_FALSE(file.metadata.contains("sluice.text"));
}

// The check's input by its formula, the answers by a stream.
TEST_P(NumbersFile, TheSelfCheckIsWhatAStreamAnswers) {
  const Model saved = model();
  const json check = json::parse(parse_safetensors(model_to_bytes(saved), "x").metadata.at("sluice.self-check"));
  const auto outputs = check.at("outputs").get<std::vector<std::size_t>>();
  const auto values = check.at("values").get<std::vector<double>>();
  const auto steps = check.at("steps").get<std::size_t>();
  EXPECT_EQ(outputs.size(), 32u);
  ASSERT_EQ(values.size(), steps * outputs.size());
  Stream stream(saved);
  for (std::size_t t = 0; t < steps; ++t) {
    std::vector<float> x(3);
    for (std::size_t i = 0; i < 3; ++i) x[i] = (static_cast<float>((t + 2 * i) % 5) - 2) / 2;
    stream.step(x);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      EXPECT_EQ(values[t * outputs.size() + k], static_cast<double>(stream.output()[outputs[k]]));
    }
  }
}

TEST_P(NumbersFile, WhatIsWrongIsNamed) {
  const TensorFile good = parse_safetensors(model_to_bytes(model()), "good");
  const auto refusal = [&good](const std::function<void(TensorFile&)>& change) -> std::string {
    TensorFile file = good;
    file.metadata[std::string(checksum_key)] = "none";
    change(file);
    return test::error_of(Status::bad_file, [&] { model_from_bytes(format_safetensors(file), "m"); });
  };
  const auto with_check = [](const char* key, const json& value) {
    return [key, value](TensorFile& file) {
      json check = json::parse(file.metadata["sluice.self-check"]);
      check[key] = value;
      file.metadata["sluice.self-check"] = check.dump();
    };
  };
  EXPECT_THAT(refusal([](TensorFile& f) { f.metadata["sluice.vocabulary"] = "[\"<unk>\"]"; }),
              HasSubstr("sluice.vocabulary"));
  EXPECT_THAT(refusal([](TensorFile& f) { f.metadata["sluice.text"] = "{}"; }), HasSubstr("sluice.text"));
  EXPECT_THAT(refusal([](TensorFile& f) {
                json config = json::parse(f.metadata["sluice.config"]);
                config["inputs"] = 4;
                f.metadata["sluice.config"] = config.dump();
              }),
              AllOf(HasSubstr("weight_ih_l0"), HasSubstr("[")));
  EXPECT_THAT(refusal([](TensorFile& f) {
                json config = json::parse(f.metadata["sluice.config"]);
                config["outputs"] = 41;
                f.metadata["sluice.config"] = config.dump();
              }),
              HasSubstr("head.weight"));
  EXPECT_THAT(refusal(with_check("steps", 0)), HasSubstr("steps from 1"));
  EXPECT_THAT(refusal(with_check("steps", 1e9)), HasSubstr("steps from 1"));
  EXPECT_THAT(refusal(with_check("steps", 4)), HasSubstr("every input and output"));
  EXPECT_THAT(refusal(with_check("outputs", json::array({40}))), HasSubstr("outputs in range"));
  EXPECT_THAT(refusal([](TensorFile& f) {
                json check = json::parse(f.metadata["sluice.self-check"]);
                check["values"][0] = check["values"][0].get<double>() + 0.01;
                f.metadata["sluice.self-check"] = check.dump();
              }),
              AllOf(HasSubstr("after step 1"), HasSubstr("output 0")));
}

INSTANTIATE_TEST_SUITE_P(Cells, NumbersFile, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::numbers_file_test
