// Runs the cases that are written in C, one test each.
#include <gtest/gtest.h>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "c/c_cases.h"
#include "sluice/formats.h"
#include "sluice/stream.h"

namespace sluice::c_test {
namespace {

// Lives until the program ends, as the cases' pointers into it do.
struct World {
  std::filesystem::path folder;
  std::string model_path, other_path, numbers_path, missing_path, token_1;
  std::vector<float> probabilities, x, y;
  c_world of_c{};

  World() {
    folder = std::filesystem::temp_directory_path() / ("sluice-c-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    model_path = folder / "model.safetensors";
    other_path = folder / "other.safetensors";
    numbers_path = folder / "numbers.safetensors";
    missing_path = folder / "missing.safetensors";
    const Vocabulary vocabulary({}, {"<unk>", "the", "river", "is", "quiet", "Émile", "\n"});
    const Model model({.cell = "lstm", .layers = 2, .hidden = 24}, vocabulary);
    save(model, model_path);
    save(Model({.cell = "gru", .hidden = 8}, vocabulary), other_path);
    Stream stream(model);
    for (const Token token : {1, 2, 3}) stream.step(token);
    probabilities.assign(stream.probabilities().begin(), stream.probabilities().end());
    token_1 = vocabulary.token(1);

    const Model numbers({.cell = "gru", .hidden = 12, .inputs = 3, .outputs = 2});
    save(numbers, numbers_path);
    for (std::size_t i = 0; i < 5 * 3; ++i) x.push_back(static_cast<float>(i % 7) / 4 - 0.5f);
    Stream of_numbers(numbers);
    for (std::size_t t = 0; t < 5; ++t) {
      of_numbers.step(std::span<const float>(x).subspan(3 * t, 3));
      y.insert(y.end(), of_numbers.output().begin(), of_numbers.output().end());
    }
    of_c = {model_path.c_str(),   other_path.c_str(), numbers_path.c_str(),
            missing_path.c_str(), token_1.c_str(),    vocabulary.size(),
            probabilities.data(), x.data(),           y.data()};
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
}  // namespace sluice::c_test
