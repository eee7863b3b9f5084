// A live series, one line at a time: what comes next, or what kind of series it is so far.
//
//   live FORECAST.safetensors < rows.csv      a model that `sluice train --task forecast` wrote: behind every row, the
//                                             median of each row that follows it, as soon as there are rows enough
//   live CLASSIFIER.safetensors < numbers     one that `sluice train --direction forward --at last` wrote on sequences
//                                             of numbers: behind every step, the probability of each class
//
// The forecast carries a state, the rows that the next one needs; the classifier's is that of its stream, whose step
// keeps the real-time contract of sluice/stream.h.
#include <sluice/sluice.h>

#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace {

using sluice::Error;
using sluice::Status;

// A text as a file that is read once.
sluice::TextSource source_of(const std::string& text) {
  return {"standard input", [text] {
            return [text, at = std::size_t{0}](char* into, std::size_t most) mutable {
              const std::size_t count = text.copy(into, most, at);
              at += count;
              return count;
            };
          }};
}

void forecast(const sluice::Forecaster& forecaster) {
  const std::vector<double>& quantiles = forecaster.quantiles();
  std::string header, line, state;
  if (!std::getline(std::cin, header)) throw Error(Status::bad_file, "standard input: expected a header, found none");
  std::string waiting = header + '\n';  // rows that are too few for a forecast
  for (std::size_t rows = 1; std::getline(std::cin, line); ++rows) {
    waiting += line + '\n';
    if (rows < forecaster.lookback()) continue;
    const auto next = forecaster.predict(source_of(waiting), {.state_in = state, .state_out = &state}, 1);
    waiting = header + '\n';
    std::cout << line << " ->";
    for (std::size_t k = quantiles.size() / 2; k < next[0].values.size(); k += quantiles.size()) {
      std::cout << ' ' << next[0].values[k];
    }
    std::cout << std::endl;
  }
}

void classify(const sluice::Model& model) {
  if (!model.streams() || model.reads_text()) {
    throw Error(Status::bad_file, "expected a model on numbers that reads forward, found another");
  }
  sluice::Stream stream(model);
  std::vector<float> x(model.config().inputs);
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
    std::istringstream cells(line);
    for (float& value : x) {
      if (cells >> value) continue;
      throw Error(Status::bad_file, "standard input, line " + std::to_string(number) + ": expected " +
                                        std::to_string(x.size()) + " numbers, found \"" + line + '"');
    }
    stream.step(std::span<const float>(x));
    std::cout << line << " ->";
    for (const float p : stream.output()) std::cout << ' ' << p;
    std::cout << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw Error(Status::usage, "expected: live MODEL.safetensors");
    const sluice::Model model = sluice::load(argv[1]);
    if (model.notes().contains("forecast")) {
      forecast(sluice::Forecaster(model, argv[1]));
    } else {
      classify(model);
    }
    return 0;
  } catch (const Error& error) {
    std::cerr << "live: " << error.what() << '\n';
    return static_cast<int>(error.status());
  }
}
