// Forecasts a column of a CSV file from its own past.
//
//   forecast FILE.csv COLUMN [AHEAD]
//
// Learns from the first eight tenths how the column changes over each of the next AHEAD rows (1 if not given). Says how
// wrong the forecast is on the last two tenths, beside the simplest one, that nothing changes. Then forecasts the AHEAD
// rows after the last. Errors are mean squares, over all rows and distances, in units of the column's variance.
//
// The first line names the columns; commas stand between cells, points in numbers. What spreadsheets add is read over:
// a byte order mark, quotes, blanks around a cell, a plus sign, empty lines at the end.
#include <sluice/sluice.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using sluice::Error;
using sluice::Status;

// Cells of a line; quotes around a cell go, and a comma within them stays. Blanks around a cell go too.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  constexpr const char* kBlanks = " \t\r";
  for (std::string& cell : cells) {
    cell.erase(0, cell.find_first_not_of(kBlanks));
    cell.erase(cell.find_last_not_of(kBlanks) + 1);
  }
  return cells;
}

std::size_t find_column(const std::vector<std::string>& names, const std::string& name) {
  const std::size_t column = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  if (column < names.size()) return column;
  std::string message = "column: expected one of ";
  for (const std::string& other : names) message += (&other == &names.front() ? "\"" : ", \"") + other + '"';
  message += ", found \"" + name + '"';
  if (names.size() == 1 && names.front().find_first_of(";\t") != std::string::npos) {
    message += "; the cells seem to be separated by " +
               std::string(names.front().find(';') == std::string::npos ? "tabs" : "semicolons") +
               ": save the file with commas between cells and points in numbers";
  }
  throw Error(Status::usage, message);
}

// The whole cell as a number; a plus sign may stand before it.
bool read_number(std::string_view cell, double& value) {
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size() && std::isfinite(value);
}

std::vector<double> read_column(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line))
    throw Error(Status::bad_file, path + ": expected a CSV file, found none or an empty one");
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  const std::size_t column = find_column(cells_of(line), name);
  std::vector<double> values;
  std::size_t empty = 0;  // the first of the empty lines before this one: they may only stand at the end
  for (std::size_t row = 2; std::getline(file, line); ++row) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() == 1 && cells.front().empty()) {
      if (empty == 0) empty = row;
      continue;
    }
    const auto refuse = [&](std::size_t at, const std::string& found) {
      throw Error(Status::bad_file, path + ", line " + std::to_string(at) + ": expected a number, found " + found);
    };
    if (empty != 0) refuse(empty, "an empty line");
    const std::string cell = column < cells.size() ? cells[column] : "";
    double value = 0;
    if (!read_number(cell, value)) refuse(row, '"' + cell + '"');
    values.push_back(value);
  }
  return values;
}

// The standard deviation.
double spread(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares > 0 ? std::sqrt(squares / n) : 1;
}

// Root mean square of the changes from row to row.
double usual_change(std::span<const double> values) {
  double squares = 0;
  for (std::size_t t = 1; t < values.size(); ++t) squares += (values[t] - values[t - 1]) * (values[t] - values[t - 1]);
  return squares > 0 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : 1;
}

// As many digits as it takes to read the same number again, no more: six would make 1e+09 of 1000000123.
std::string shortest(double value) {
  char digits[32];
  return {digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr};
}

void forecast(const std::string& path, const std::string& column, std::size_t ahead) {
  const std::vector<double> values = read_column(path, column);
  const std::size_t least = 100 + 6 * ahead;  // so that either part has rows with a known future
  if (values.size() < least) {
    throw Error(Status::bad_file, path + ": expected at least " + std::to_string(least) + " rows, found " +
                                      std::to_string(values.size()));
  }
  // The network sees changes alone, from row to row, and predicts changes: a level it has never seen does not lead it
  // astray. Both are in units of the usual change.
  const std::size_t learned = values.size() * 8 / 10, known = values.size() - ahead;
  const std::span<const double> for_learning = std::span<const double>(values).first(learned);
  const double deviation = spread(for_learning), unit = usual_change(for_learning);
  std::vector<float> x = {0}, targets;
  for (std::size_t t = 1; t < values.size(); ++t) x.push_back(static_cast<float>((values[t] - values[t - 1]) / unit));
  for (std::size_t t = 0; t < known; ++t) {
    for (std::size_t distance = 1; distance <= ahead; ++distance) {
      targets.push_back(static_cast<float>((values[t + distance] - values[t]) / unit));
    }
  }
  const sluice::Series series({x.begin(), x.begin() + static_cast<std::ptrdiff_t>(known)}, 1, targets, ahead, column);
  sluice::Model model({.cell = "gru", .hidden = 32, .inputs = 1, .outputs = ahead});
  const std::size_t batch = std::clamp<std::size_t>(learned / 256, 1, 16);
  // No target of the part for learning lies within the part for judging.
  sluice::train(model, series.slice(0, learned - ahead),
                {.epochs = 100, .batch = batch, .steps = 48, .learning_rate = 3e-3, .patience = 25, .threads = 1});

  // One stream over everything, as it would run: the future never comes before its time.
  sluice::Stream stream(model);
  double wrong = 0, floor = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    stream.step(std::span<const float>(&x[t], 1));
    if (t < learned || t >= known) continue;
    for (std::size_t i = 0; i < ahead; ++i) {
      const double truth = targets[t * ahead + i], answer = stream.output()[i];
      wrong += (answer - truth) * (answer - truth);
      floor += truth * truth;
    }
  }
  const double judged = static_cast<double>((known - learned) * ahead) * (deviation / unit) * (deviation / unit);
  std::cout << "rows " << known - learned << "\nmodel " << shortest(wrong / judged) << "\nlast value "
            << shortest(floor / judged) << "\nnext";
  for (const float change : stream.output())
    std::cout << ' ' << shortest(values.back() + unit * static_cast<double>(change));
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
