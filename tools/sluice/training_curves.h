// The course of a training as its page shows it, made of the lines of its log, one after another. However long it is,
// it stays small: of many updates, those next to each other become one row.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "output.h"

namespace sluice::tool {

// Numbers of which some may not be known. The mean of a single one is that number, to the bit.
class Band {
 public:
  void add(double value);
  void merge(const Band& other);
  double mean() const { return sum_ / static_cast<double>(count_); }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  double sum_ = 0, low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
  std::size_t count_ = 0;
};

// Rows in the order of `first` and `last`, the updates that they are of. From `most` of them on, each two neighbours
// become one, so that each is made of `stride` of those that were added.
template <class Row>
class Thinned {
 public:
  explicit Thinned(std::size_t most) : most_(most) {}

  void add(Row row) {
    if (filled_ == 0) {
      if (rows_.size() >= most_) halve();
      rows_.push_back(std::move(row));
    } else {
      rows_.back().merge(row);
    }
    filled_ = (filled_ + 1) % stride_;
  }
  // What is of this update or later ones is forgotten.
  void back_to(std::uint64_t update) {
    while (!rows_.empty() && rows_.back().first >= update) {
      rows_.pop_back();
      filled_ = 0;
    }
  }
  const std::vector<Row>& rows() const { return rows_; }
  std::size_t stride() const { return stride_; }

 private:
  void halve() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows_.size(); i += 2, ++kept) {
      if (kept != i) rows_[kept] = std::move(rows_[i]);
      if (i + 1 < rows_.size()) rows_[kept].merge(rows_[i + 1]);
    }
    rows_.resize(kept);
    stride_ *= 2;
  }

  std::size_t most_, stride_ = 1, filled_ = 0;  // filled_: of the last row; 0: it is full
  std::vector<Row> rows_;
};

// Which rows somebody has already, of a list of that stride; the last of them may have changed since.
struct RowsThere {
  std::uint64_t stride = 0, count = 0;
};
struct CurvesThere {
  RowsThere updates, validations, gates;
};

class TrainingCurves {
 public:
  // Whether it was a line of such a log; what is none changes nothing.
  bool enter(const Json& line);
  // What the page draws; of each list what comes after the rows that are there.
  Json json(const CurvesThere& there = {}) const;

 private:
  struct Update {
    std::uint64_t first = 0, last = 0, epoch = 0;
    Band loss, norm;
    double rate = 0, speed = 0;  // of the last
    void merge(const Update& next);
  };
  struct Validation {
    std::uint64_t first = 0, last = 0, epoch = 0;
    Band loss, training;
    void merge(const Validation& next);
  };
  struct Gate {
    std::uint64_t layer = 0;
    std::string name;
    bool operator==(const Gate&) const = default;
  };
  static constexpr std::size_t kBins = GateHistogram::bins;
  struct Gates {
    std::uint64_t first = 0, last = 0, epoch = 0;
    std::vector<std::array<std::uint64_t, kBins>> counts;  // of each gate
    void merge(const Gates& next);
  };

  void begin(const Json& line);
  bool enter_update(const Json& line);
  bool enter_validation(const Json& line);
  bool enter_gates(const Json& line);
  Json updates(const RowsThere& there) const;
  Json validations(const RowsThere& there) const;
  Json gates(const RowsThere& there) const;

  Json start_, ngram_, last_, kept_, end_;
  std::vector<Json> messages_;
  Thinned<Update> updates_{2048};
  Thinned<Validation> validations_{1024};
  std::vector<Gate> names_;
  Thinned<Gates> gates_{128};
};

// The page in one file; `curves`: all of TrainingCurves::json().
std::string training_page(const Json& curves);

}  // namespace sluice::tool
