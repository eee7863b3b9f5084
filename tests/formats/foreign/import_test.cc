// The public face: a foreign file as a model, and back.
#include <gtest/gtest.h>

#include "base/file.h"
#include "errors.h"
#include "formats/model_check.h"
#include "sluice/import.h"
#include "sluice/stream.h"

namespace sluice::import_test {
namespace {

const std::string seeds = std::string(SLUICE_SOURCE_DIR) + "/fuzz/corpus/";
const std::string rtneural = seeds + "foreign_json_fuzz/rtneural.json", torch = seeds + "foreign_torch_fuzz/sample.pth";

float answer_to(const Model& model, float x) {
  Stream stream(model);
  stream.step(std::span<const float>(&x, 1));
  return stream.output()[0];
}

TEST(Import, AForeignFileIsAModelAndGoesBack) {
  const Model model = import_model(rtneural);
  const std::string path = testing::TempDir() + "import_test.json";
  for (const char* system : {"rtneural", "onnx", "keras"}) {
    export_model(model, system, path, {.force = true});
    EXPECT_EQ(answer_to(import_model(path), 0.5F), answer_to(model, 0.5F)) << system;
  }
  export_model(model, "pytorch", path, {.force = true});
  EXPECT_EQ(answer_to(import_model(path, {.parts = "rnn,head,sigmoid"}), 0.5F), answer_to(model, 0.5F));
  export_model(Model({.hidden = 4, .inputs = 1, .outputs = 1}), "c", path, {.force = true});
  const RawVector<char> source = read_file(path);
  EXPECT_NE(std::string_view(source.data(), source.size()).find("#include <stdint.h>"), std::string_view::npos);
}

TEST(Import, ACheckIsKept) {
  const std::string path = testing::TempDir() + "import_test_io.json";
  const float y = answer_to(import_model(rtneural), 0.5F);
  const auto checked = [&](float expected) {
    write_file(path, "{\"inputs\": [0.5], \"outputs\": [" + std::to_string(expected) + "]}", true);
    return import_model(rtneural, {.check = path});
  };
  EXPECT_TRUE(checked(y).notes().contains(check_note));
  EXPECT_NE(test::error_of(Status::failed, [&] { checked(y + 0.1F); }).find("up to the tolerance 0.001, found 0.1"),
            std::string::npos);
}

TEST(Import, OptionsAreChecked) {
  const auto sentence = [](const ImportOptions& options) {
    return test::error_of(Status::usage, [&] { import_model(torch, options); });
  };
  EXPECT_EQ(sentence({.parts = "gru,fc", .layout = "sideways"}),
            "layout: expected batch-first or time-first, found \"sideways\"");
  EXPECT_EQ(sentence({.parts = "gru,fc", .reset = "never"}), "reset: expected before or after, found \"never\"");
  EXPECT_EQ(sentence({.convention = "x"}), "convention: expected keras, found \"x\"");
  EXPECT_EQ(test::error_of(Status::usage, [&] { export_model(import_model(rtneural), "java", "x"); }),
            "system: expected c, pytorch, onnx, keras, rtneural or nam, found \"java\"");
}

}  // namespace
}  // namespace sluice::import_test
