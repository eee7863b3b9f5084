// Readers of foreign models: each on a small model made by hand, whose numbers the other formats' readers agree with,
// and on what is wrong with it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "errors.h"
#include "foreign_samples.h"
#include "formats/foreign/evaluate.h"
#include "formats/foreign/import.h"

namespace sluice::foreign::models_test {
namespace {

using test::error_of;

constexpr std::size_t steps = 6;

// The first output on a wave of six steps.
std::vector<double> outputs_of(const Network& network) {
  Feed feed = {steps, 1, {}};
  for (const Port& port : network.inputs) {
    if (port.optional) continue;
    std::vector<double> x;
    for (std::size_t i = 0; i < steps * network.values[port.value].features; ++i)
      x.push_back(std::sin(0.9 * static_cast<double>(i)));
    feed.inputs[port.value] = x;
  }
  return evaluate(network, feed)[0];
}

std::vector<double> outputs_of(const std::string& bytes, const Options& options = {}) {
  return outputs_of(read_network(bytes, "file", options));
}

std::string refusal(const std::string& bytes, const Options& options = {}) {
  return error_of(Status::bad_file, [&] { read_network(bytes, "file", options); });
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double most = 1e-6) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], most) << i;
}

Options with_parts(const std::string& parts) {
  Options options;
  options.parts = parts;
  return options;
}

TEST(ForeignModel, TheSameNumbersInOtherFormatsAreTheSameNetwork) {
  // PyTorch's and NumPy's sample, and Keras' and RTNeural's.
  const auto torch = outputs_of(test::torch_sample(), with_parts("gru,fc"));
  expect_near(torch, outputs_of(test::npz_sample(), with_parts("gru,fc")), 0);
  const auto keras = outputs_of(test::keras_sample());
  expect_near(keras, outputs_of(test::rtneural_sample()), 0);
  EXPECT_GT(std::abs(torch[5]), 1e-3);
  EXPECT_GT(std::abs(keras[5] - keras[4]), 1e-3);
  EXPECT_NE(torch[5], keras[5]);
}

TEST(ForeignModel, OnnxIsKerasWithBiasesInOneAndMatricesTurned) {
  // W, R and B of the ONNX sample are those of a gru in the order z, r, h; the last step alone comes out.
  const auto last = outputs_of(test::onnx_gru().done());
  ASSERT_EQ(last.size(), 1u);
  const auto before = outputs_of(test::onnx_gru(0).done());
  EXPECT_GT(std::abs(last[0] - before[0]), 1e-4) << "the form of the reset makes no difference";
  const auto any_but_0 = outputs_of(test::onnx_gru(2).done());
  EXPECT_EQ(last, any_but_0);
}

TEST(ForeignModel, AStateDictionaryAsksForWhatItDoesNotSay) {
  const auto usage = [](const std::string& parts) {
    return error_of(Status::usage, [&] { read_network(test::torch_sample(), "file", with_parts(parts)); });
  };
  EXPECT_TRUE(usage("").starts_with("file: expected --parts, the modules in the order in which they run")) << usage("");
  EXPECT_EQ(usage("gru"),
            "file: tensor \"fc.bias\": expected it in --parts or in --unused, found it in neither (shape [1])");
  EXPECT_TRUE(usage("gru,fcc").starts_with("part \"fcc\": expected a module of the file")) << usage("gru,fcc");
  EXPECT_EQ(usage("gru=tanh,fc"),
            "part \"gru\": expected no activation, which PyTorch's lstm and gru have fixed, found tanh");
  EXPECT_EQ(usage("gru,,fc"), "parts: expected words such as NAME or NAME=relu separated by commas, found \"gru,,fc\"");
  Options unused = with_parts("gru");
  unused.unused = {"fc"};
  EXPECT_EQ(read_network(test::torch_sample(), "file", unused).parts.size(), 1u);
  EXPECT_EQ(refusal(test::torch_sample(), with_parts("gru,gru,fc")),
            "file: \"gru\": expected 1 numbers of every step to read, found 2 numbers of every step");
}

TEST(ForeignModel, AGruThatDoesNotSayItsFormIsAskedFor) {
  std::vector<test::ZipPart> parts = {{"g_w.npy", test::npy_of("(1, 6)", test::floats(test::wave(6, 0)))},
                                      {"g_u.npy", test::npy_of("(2, 6)", test::floats(test::wave(12, 1)))},
                                      {"g_b.npy", test::npy_of("(6,)", test::floats(test::wave(6, 2)))}};
  const std::string bytes = test::zip_of(parts);
  Options options = with_parts("g=sigmoid/tanh");
  options.convention = "keras";
  EXPECT_EQ(error_of(Status::usage, [&] { read_network(bytes, "file", options); }),
            "file: \"g\": expected --reset before or after, as the file does not say it, found none");
  options.reset_after = false;
  EXPECT_EQ(outputs_of(bytes, options).size(), 2 * steps);
  options.reset_after = true;
  EXPECT_EQ(refusal(bytes, options),
            "file: \"g\": bias of a gru that resets after the product: expected shape [2, 6], found [6]");
}

TEST(ForeignModel, AnOptionWithoutUseIsRefused) {
  const auto usage = [](const std::string& bytes, const Options& options) {
    return error_of(Status::usage, [&] { read_network(bytes, "file", options); });
  };
  const std::string parts = "file: expected no --parts, for which such a file has no use, found one";
  EXPECT_EQ(usage(test::onnx_gru().done(), with_parts("gru")), parts);
  EXPECT_EQ(usage(test::keras_sample(), with_parts("gru")), parts);
  EXPECT_EQ(usage(test::rtneural_sample(), with_parts("gru")), parts);
  EXPECT_EQ(usage(test::guitarml_sample(), with_parts("rec,lin")), parts);
  EXPECT_EQ(usage(test::rnnoise_sample(), with_parts("gru")), parts);
  Options silence = with_parts("gru,fc");
  silence.silence = 10;
  EXPECT_EQ(usage(test::torch_sample(), silence),
            "file: expected no --silence, for which such a file has no use, found one");
}

TEST(ForeignOnnx, ShapesThatDoNotFitAreNamed) {
  test::OnnxWriter writer;
  writer.input("x", {-1, -1, 1})
      .constant("W", {1, 6, 1}, test::wave(6, 0))
      .constant("R", {1, 4, 3}, test::wave(12, 1))
      .node("GRU", {"x", "W", "R"}, {"y"})
      .output("y");
  EXPECT_EQ(refusal(writer.done()), "file: node \"y\": R: expected shape [1, 9, 3], found [1, 4, 3]");
}

TEST(ForeignOnnx, AGruOfAnExporterThatDropsItsFormIsAskedFor) {
  std::string bytes = test::OnnxWriter()
                          .input("x", {-1, -1, 1})
                          .constant("W", {1, 6, 1}, test::wave(6, 0))
                          .constant("R", {1, 6, 2}, test::wave(12, 1))
                          .node("GRU", {"x", "W", "R"}, {"y"})
                          .output("y")
                          .done();
  EXPECT_EQ(outputs_of(bytes).size(), 2 * steps);  // ONNX's own default: before
  bytes.replace(bytes.find("test"), 4, "pyto");
  const std::size_t producer = bytes.find("pyto");
  bytes[producer - 1] = 7;
  bytes.insert(producer + 4, "rch");
  EXPECT_TRUE(error_of(Status::usage, [&] { read_network(bytes, "file"); }).find("expected --reset before or after") !=
              std::string::npos);
  Options options;
  options.reset_after = true;
  EXPECT_EQ(outputs_of(bytes, options).size(), 2 * steps);
}

TEST(ForeignOnnx, OperatorsOutsideAreNamed) {
  const auto graph = [](const std::string& op) {
    return test::OnnxWriter()
        .input("x", {-1, -1, 1})
        .constant("W", {1, 6, 1}, test::wave(6, 0))
        .constant("R", {1, 6, 2}, test::wave(12, 1))
        .node(op, {"x"}, {"c"})
        .node("GRU", {"c", "W", "R"}, {"y"})
        .output("y")
        .done();
  };
  EXPECT_EQ(
      refusal(graph("Conv")),
      "file: node \"c\" (\"Conv\"): expected an operator of a chain of recurrent and dense layers, found another one");
  EXPECT_EQ(refusal(graph("Loop")), "file: node \"c\" (\"Loop\"): expected no graphs within the graph, found one");
}

TEST(ForeignOnnx, ASmallFileCannotUnfold) {
  test::OnnxWriter doubling;
  doubling.input("x", {-1, -1, 1}).constant("a0", {8}, test::wave(8, 0));
  for (int i = 0; i < 40; ++i) {
    const std::string from = std::string("a") + std::to_string(i), to = std::string("a") + std::to_string(i + 1);
    doubling.node("Concat", {from, from}, {to}, {{"axis", 0}});
  }
  const std::string bytes = doubling.node("GRU", {"x", "a40", "a40"}, {"y"}).output("y").done();
  EXPECT_EQ(refusal(bytes),
            "file: expected tensors that hold no more than the file, found the same bytes used again and again");
  const std::string wide = test::OnnxWriter()
                               .input("x", {-1, -1, 1})
                               .wholes("shape", {1 << 20, 1 << 20, 1 << 20, 1 << 20})
                               .node("ConstantOfShape", {"shape"}, {"W"})
                               .node("GRU", {"x", "W", "W"}, {"y"})
                               .output("y")
                               .done();
  EXPECT_EQ(refusal(wide), "file: node \"W\" (\"ConstantOfShape\"): expected sizes, found others");
}

TEST(ForeignOnnx, BrokenAndNestedBuffersAreOneSentence) {
  std::string nested = "x";
  for (int i = 0; i < 2000; ++i) {
    std::string outer;
    test::OnnxWriter::Writer(outer).add_message(7, nested);
    nested = outer;
  }
  std::string head;
  test::OnnxWriter::Writer(head).add_int64(1, 8);
  EXPECT_EQ(refusal(head + nested), "file: file: expected an opset, found none");
  std::string cut = test::onnx_gru().done();
  cut.resize(cut.size() - 7);
  EXPECT_EQ(refusal(cut), "file: file: expected protocol buffers as ONNX has them, found broken ones");
}

TEST(ForeignOnnx, ExternalDataStaysInTheFolder) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "foreign_onnx";
  fs::create_directories(folder / "model");
  write_file((folder / "secret.bin").string(), test::floats(test::wave(6, 0)), true);
  write_file((folder / "model/weights.bin").string(), test::floats(test::wave(8, 0)), true);
  std::error_code there;
  fs::create_symlink(folder / "secret.bin", folder / "model/link.bin", there);
  const auto read = [&](const std::map<std::string, std::string>& place) {
    const std::string bytes = test::OnnxWriter()
                                  .input("x", {-1, -1, 1})
                                  .external("e", 6, place)
                                  .wholes("shape", {1, 6, 1})
                                  .node("Reshape", {"e", "shape"}, {"W"})
                                  .constant("R", {1, 6, 2}, test::wave(12, 1))
                                  .node("GRU", {"x", "W", "R"}, {"y"})
                                  .output("y")
                                  .done();
    return read_network(bytes, (folder / "model/a.onnx").string());
  };
  EXPECT_EQ(outputs_of(read({{"location", "weights.bin"}, {"offset", "0"}, {"length", "24"}})).size(), 2 * steps);
  for (const char* outside : {"../secret.bin", "link.bin", "/etc/passwd", "."}) {
    const auto sentence = error_of(Status::bad_file, [&] { read({{"location", outside}}); });
    EXPECT_NE(sentence.find("external data of tensor \"e\": expected a file in the folder of the model"),
              std::string::npos)
        << sentence;
  }
  const auto past = error_of(Status::bad_file, [&] {
    read({{"location", "weights.bin"}, {"offset", "40"}, {"length", "24"}});
  });
  EXPECT_NE(past.find("expected an offset within 32, found 40"), std::string::npos) << past;
}

TEST(ForeignKeras, ConfigAndWeightsMustAgree) {
  std::string bytes = test::keras_sample();
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = bytes;
    other.replace(other.find(from), from.size(), to);
    return other;
  };
  EXPECT_EQ(refusal(changed("\"units\": 2", "\"units\": 3")),
            "file: layer \"gru\": kernel: expected shape [1, 9], found [1, 6]");
  EXPECT_EQ(refusal(changed("\"reset_after\": true", "\"reset_after\":false")),
            "file: layer \"gru\": bias: expected shape [6], found [2, 6]");
  EXPECT_EQ(refusal(changed("\"activation\": \"sigmoid\"", "\"activation\": \"sigmoix\"")),
            "file: layer \"dense\" (\"Dense\"): expected a known activation, found \"sigmoix\"");
  EXPECT_EQ(refusal(changed("\"class_name\": \"Dense\"", "\"class_name\": \"Conv1\"")),
            "file: layer \"dense\" (\"Conv1\"): expected a layer of a recurrent or dense network, found another one");
}

TEST(ForeignAudio, SkipAndGainsAreCounted) {
  const auto plain = outputs_of(test::rtneural_sample());
  const auto skipped = outputs_of(test::rtneural_sample("\"in_skip\": 1, "));
  const auto louder = outputs_of(test::rtneural_sample("\"out_gain\": 6.0, "));
  for (std::size_t i = 0; i < steps; ++i) {
    EXPECT_NEAR(skipped[i] - plain[i], std::sin(0.9 * static_cast<double>(i)), 1e-12);
    EXPECT_NEAR(louder[i], plain[i] * std::pow(10.0, 6.0 / 20), 1e-12);
  }
  EXPECT_EQ(refusal(test::rtneural_sample("", 3)), "file: layer 0: kernel: expected shape [1, 9], found [1, 6]");
  EXPECT_EQ(refusal(test::rtneural_sample("\"dilation\": 2, ")),
            "file: \"dilation\": expected no such key, found one, which is not understood");
}

TEST(ForeignAudio, NamCountsItsNumbersAndMayBeginAfterSilence) {
  const auto at_once = outputs_of(test::nam_sample());
  Options options;
  options.silence = 1000;
  const auto later = outputs_of(test::nam_sample(), options);
  EXPECT_GT(std::abs(at_once[0] - later[0]), 1e-4);
  options.silence = 2000;
  expect_near(outputs_of(test::nam_sample(), options), later, 1e-6);
  EXPECT_EQ(refusal(test::nam_sample(40)), "file: \"weights\": expected 39 numbers, found 40");
  EXPECT_EQ(refusal(test::nam_sample(38)), "file: \"weights\": expected at least 39 numbers, found 38");
}

TEST(ForeignAudio, GuitarMlAndRnnoiseAreRead) {
  EXPECT_EQ(outputs_of(test::guitarml_sample()).size(), steps);
  const Network network = read_network(test::rnnoise_sample(), "file");
  EXPECT_EQ(network.outputs.size(), 2u);
  EXPECT_EQ(outputs_of(network).size(), 3 * steps);
  std::string wrong = test::rnnoise_sample();
  wrong.replace(wrong.find("-128"), 4, "-129");
  EXPECT_TRUE(refusal(wrong).starts_with("file: expected a weight of input_dense from -128 to 127, found \"-129"))
      << refusal(wrong);
}

// The fuzzers start from these. SLUICE_WRITE_SEEDS=fuzz/corpus writes them.
TEST(ForeignSeeds, AreTheModelsOfTheTests) {
  const std::pair<const char*, std::string> seeds[] = {{"foreign_torch_fuzz/sample.pth", test::torch_sample()},
                                                       {"foreign_torch_fuzz/sample.npz", test::npz_sample()},
                                                       {"foreign_onnx_fuzz/sample.onnx", test::onnx_gru().done()},
                                                       {"foreign_keras_fuzz/sample.keras", test::keras_sample()},
                                                       {"foreign_keras_fuzz/weights.h5", test::keras_weights()},
                                                       {"foreign_json_fuzz/rtneural.json", test::rtneural_sample()},
                                                       {"foreign_json_fuzz/guitarml.json", test::guitarml_sample()},
                                                       {"foreign_json_fuzz/lstm.nam", test::nam_sample()},
                                                       {"foreign_json_fuzz/sample.rnnn", test::rnnoise_sample()}};
  const char* target = std::getenv("SLUICE_WRITE_SEEDS");
  const std::filesystem::path folder = target != nullptr ? target : std::string(SLUICE_SOURCE_DIR) + "/fuzz/corpus";
  for (const auto& [name, bytes] : seeds) {
    const std::filesystem::path path = folder / name;
    if (target != nullptr) {
      std::filesystem::create_directories(path.parent_path());
      write_file(path.string(), bytes, true);
    }
    const RawVector<char> read = read_file(path.string());
    EXPECT_EQ(std::string(read.data(), read.size()), bytes) << name;
  }
}

}  // namespace
}  // namespace sluice::foreign::models_test
