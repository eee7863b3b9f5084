// Runs the cases that are written in C, one test each.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "c/c_cases.h"
#include "sluice/formats.h"
#include "sluice/stream.h"

namespace sluice {
namespace {

// Lives until the program ends, as the cases' pointers into it do.
struct World {
  std::filesystem::path folder;
  std::string model_path, other_path, missing_path, token_1;
  std::vector<float> probabilities;
  c_world of_c{};

  World() {
    folder = std::filesystem::temp_directory_path() / ("sluice-c-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    model_path = folder / "model.safetensors";
    other_path = folder / "other.safetensors";
    missing_path = folder / "missing.safetensors";
    const Vocabulary vocabulary({}, {"<unk>", "the", "river", "is", "quiet", "Émile", "\n"});
    const Model model({.cell = "lstm", .layers = 2, .hidden = 24}, vocabulary);
    save(model, model_path);
    save(Model({.cell = "gru", .hidden = 8}, vocabulary), other_path);
    Stream stream(model);
    for (const Token token : {1, 2, 3}) stream.step(token);
    probabilities.assign(stream.probabilities().begin(), stream.probabilities().end());
    token_1 = vocabulary.token(1);
    of_c = {model_path.c_str(),   other_path.c_str(), missing_path.c_str(),
            probabilities.data(), vocabulary.size(),  token_1.c_str()};
  }
  ~World() { std::filesystem::remove_all(folder); }
};

const World& world() {
  static const World world;
  return world;
}

class C : public testing::TestWithParam<std::size_t> {};

TEST_P(C, Case) {
  c_cases[GetParam()].run(&world().of_c);
  EXPECT_STREQ(c_failures(), "");
}

INSTANTIATE_TEST_SUITE_P(, C, testing::Range(std::size_t{0}, c_case_count),
                         [](const auto& one) { return std::string(c_cases[one.param].name); });

}  // namespace
}  // namespace sluice
