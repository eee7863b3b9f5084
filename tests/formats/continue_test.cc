// A state that is saved, restored in another process and continued there gives the bits it would have given here.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "files.h"
#include "model/stream_samples.h"
#include "sluice/formats.h"

namespace sluice::continue_test {
namespace {

namespace fs = std::filesystem;
using test::text_of;

constexpr const char* kFolder = "SLUICE_TEST_CONTINUE";  // where the other process finds its work
constexpr std::size_t kSteps = 30;

std::string bytes_of(const void* data, std::size_t size) { return {static_cast<const char*>(data), size}; }

// Answers and state after steps [first, last) of an input that both processes draw for themselves.
std::string go_on(const Model& model, Stream& stream, std::size_t first, std::size_t last) {
  Random random(9);
  const test::StreamInput input = test::random_input(model, kSteps, random);
  const std::vector<float> answers = test::answers(model, stream, input, first, last);
  const std::vector<std::byte> state = stream.state().to_bytes();
  return bytes_of(answers.data(), answers.size() * sizeof(float)) + bytes_of(state.data(), state.size());
}

// What the other process does; nothing where nobody asked for it.
TEST(DISABLED_Continuation, HappensInTheOtherProcess) {
  const char* folder = std::getenv(kFolder);
  ASSERT_NE(folder, nullptr);
  const Model model = load(fs::path(folder) / "model.safetensors");
  const std::string bytes = text_of(fs::path(folder) / "state");
  Stream stream(model);
  stream.set_state(State::from_bytes(std::as_bytes(std::span(bytes))));
  write_file(fs::path(folder) / "rest", go_on(model, stream, kSteps / 2, kSteps), false);
}

// Runs the test above in a process of its own.
bool other_process(const fs::path& folder) {
  std::vector<std::string> words = {"sluice_tests", "--gtest_filter=DISABLED_Continuation.*",
                                    "--gtest_also_run_disabled_tests", "--gtest_brief=1", "--gtest_output="};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::setenv(kFolder, folder.c_str(), 1);
  pid_t child = 0;
  const bool started = posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ) == 0;
  ::unsetenv(kFolder);
  int status = 0;
  return started && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Continuation : public test::EveryCell {};

TEST_P(Continuation, InAnotherProcessGivesTheSameBits) {
  const fs::path folder = fs::temp_directory_path() / ("sluice-continue-" + std::to_string(getpid()));
  for (const bool text : {true, false}) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    const Model model = test::random_model(GetParam(), text, {2, 13, 3, 7}, 4);
    save(model, folder / "model.safetensors");
    Stream stream(model);
    go_on(model, stream, 0, kSteps / 2);
    const std::vector<std::byte> state = stream.state().to_bytes();
    write_file(folder / "state", bytes_of(state.data(), state.size()), false);
    ASSERT_TRUE(other_process(folder));
    EXPECT_EQ(text_of(folder / "rest"), go_on(model, stream, kSteps / 2, kSteps));
  }
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Cells, Continuation, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::continue_test
