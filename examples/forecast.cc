// Forecasts a column of a table from its own past.
//
//   forecast FILE.csv COLUMN [AHEAD]
//
// Learns from the first rows how the AHEAD rows after each row (1 if not given) differ from those before it. Says how
// wrong the forecast is on the last fifth, beside forecasts that need no network: that nothing changes, that the last
// season comes again, a linear one. Then forecasts the AHEAD rows after the last: of each, what lies in the middle of
// what may come. Errors are mean squares, in units of the column's variance.
#include <sluice/sluice.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

namespace {

using sluice::Error;
using sluice::Status;

sluice::TextSource source_of(const std::string& path) {
  return {path, [path]() -> sluice::TextSource::Read {
            const auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
            if (!*file) throw Error(Status::bad_file, path + ": expected a table, found nothing that can be read");
            return [file](char* into, std::size_t most) {
              file->read(into, static_cast<std::streamsize>(most));
              return static_cast<std::size_t>(file->gcount());
            };
          }};
}

// As many digits as it takes to read the same number again, no more: six would make 1e+09 of 1000000123.
std::string shortest(double value) {
  char digits[32];
  return {digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr};
}

void forecast(const std::string& path, const std::string& column, std::size_t ahead) {
  const sluice::TextSource table = source_of(path);
  sluice::ForecastOptions options;
  options.targets = {column};
  options.horizon = ahead;
  sluice::Forecaster forecaster(table, options);
  forecaster.train();
  const sluice::ForecastEvaluation judged = forecaster.evaluate(table);
  std::cout << "forecasts " << judged.forecasts << '\n';
  for (const sluice::ForecastError& error : judged.errors) {
    std::cout << error.name << ' ' << shortest(error.mean_squared) << '\n';
  }
  const std::size_t quantiles = forecaster.quantiles().size();
  std::cout << "next";
  const sluice::Forecast next = forecaster.predict(table).front();
  for (std::size_t i = quantiles / 2; i < next.values.size(); i += quantiles)
    std::cout << ' ' << shortest(next.values[i]);
  std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3 && argc != 4) throw Error(Status::usage, "expected: forecast FILE.csv COLUMN [AHEAD]");
    const std::string text = argc == 4 ? argv[3] : "1";
    std::size_t ahead = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ahead);
    if (error != std::errc() || end != text.data() + text.size() || ahead == 0 || ahead > 1000) {
      throw Error(Status::usage, "AHEAD: expected a whole number from 1 to 1000, found \"" + text + '"');
    }
    forecast(argv[1], argv[2], ahead);
    return 0;
  } catch (const Error& error) {
    std::cerr << "forecast: " << error.what() << '\n';
    return static_cast<int>(error.status());
  }
}
