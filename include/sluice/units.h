// Which unit of a network follows what: a corpus is read through a model once, the states of all units are kept in a
// byte each, and then asked: where a unit is highest and lowest, what it correlates with, and where else the memory is
// as it was over some words (Strobelt et al. 2018, LSTMVis, arXiv 1606.07461).
//
// Places are words or characters as the model reads them, counted from 0; units and layers too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/explain.h"
#include "sluice/export.h"
#include "sluice/model.h"
#include "sluice/sequences.h"
#include "sluice/standard.h"

namespace sluice {

// A corpus as a model reads it: its tokens, and what was written there.
struct UnitCorpus {
  std::string name = "corpus";
  // The tokens in order, and for a network that spells words their spellings. With labels_per_step a class for each
  // place: kIgnoredLabel where it has none.
  Sequences sequences = {};
  bool apart = false;                    // each sequence begins anew; else they are one running text
  std::string text = {};                 // what is written at place p:
  std::vector<std::uint32_t> ends = {};  // [ends[p - 1], ends[p])

  std::size_t size() const { return ends.size(); }
  std::string_view written(std::size_t place) const {
    const std::size_t first = place == 0 ? 0 : ends[place - 1];
    return std::string_view(text).substr(first, ends[place] - first);
  }
  // One more place, and where the sequence at hand ends. `label`: its class, where the corpus has classes.
  SLUICE_API void add(Token token, std::string_view piece, std::optional<std::uint32_t> label = {});
  void end_sequence() { sequences.starts.push_back(size()); }
  // The sequence that a place is in: its first place, and the one behind its last.
  SLUICE_API std::pair<std::size_t, std::size_t> sequence_of(std::size_t place) const;
};

// A running text, read as the model was trained: as one, or cut where texts stood apart (Model::reset_at). Throws Error
// (bad_file) for what is no UTF-8, and for more than 4 GB.
SLUICE_API UnitCorpus read_unit_corpus(const Model& model, std::string_view text, const std::string& name = "text");

struct UnitsOptions {
  std::size_t state = 0;                          // 0: h, 1: c
  std::size_t threads = 0;                        // 0: as many as the machine has
  std::uint64_t memory = std::uint64_t{2} << 30;  // bytes that all may take
  // Asked again and again with the share that has been read; false ends the work by Error (failed).
  std::function<bool(double)> go_on = {};
};

// What a unit may follow: a number of each place, after it was read.
struct UnitFeature {
  std::string name, meaning;
};

struct Correlation {
  std::size_t feature = 0;
  double r = 0;  // Pearson's, over all places
};

struct UnitFacts {
  Unit unit;
  double mean = 0, deviation = 0, least = 0, greatest = 0;
  std::vector<Correlation> correlations;  // the strongest first; none of what does not vary
};

struct UnitLayer {
  std::string name;  // "1", "2 forward", "2 backward"
  std::string cell;
  std::size_t units = 0;
};

struct UnitPlace {
  std::size_t at = 0;
  double value = 0;
};

// Places `first` to `last` (both included) of a corpus or text. A unit is *on* where it is at least `threshold`
// standard deviations above its mean over the corpus, or all that below it. The units of the question are those that
// are on at every one of its places, on one side, and not at the places just before and behind them.
struct LikeQuestion {
  std::size_t first = 0, last = 0;
  // Nothing: the greatest of `thresholds` at which there are `enough` such units, else the one with most.
  std::optional<double> threshold = {};
  std::optional<std::size_t> layer = {};  // nothing: all
  std::size_t most = 10;                  // places to be found
  static constexpr double thresholds[] = {2, 1.5, 1, 0.5};
  static constexpr std::size_t enough = 8, most_units = 64;
};

struct LikeUnit {
  Unit unit;
  bool below = false;  // the side on which it is on
};

// A range of the corpus, and which of the question's units come on together at its first place and go off together
// behind its last one, by their numbers there.
struct LikePlace {
  std::size_t first = 0, last = 0;
  std::vector<std::size_t> shared;
  bool operator==(const LikePlace&) const = default;
};

struct Like {
  LikeQuestion question;
  double threshold = 0;
  // Those most different from just before and behind first, `most_units` at most.
  std::vector<LikeUnit> units;
  // Most shared units first, at least a quarter of them; then by length, nearest to the question's; then by place. No
  // two overlap.
  std::vector<LikePlace> places;
};

// Immutable once made: any number of threads may ask.
class SLUICE_API UnitFinder {
 public:
  // Reads the corpus. A running text of more than 1,024 places is read in up to 32 parts side by side, each from 256
  // places before its own. Throws Error: usage (a model of numbers, a state that the cell lacks, more memory than may
  // be taken), bad_file (no places), failed (states that are not finite, go_on).
  UnitFinder(const Model& model, UnitCorpus corpus, const UnitsOptions& options = {});
  ~UnitFinder();
  UnitFinder(UnitFinder&&) noexcept;

  const Model& model() const;
  const UnitCorpus& corpus() const;
  std::size_t state() const;
  std::span<const UnitLayer> layers() const;  // those with a memory; of one that reads in both directions, two
  std::span<const UnitFeature> features() const;
  std::uint64_t memory() const;              // bytes that all takes
  std::span<const UnitFacts> units() const;  // by layer and number

  // The rest throws Error (usage) for what is not there.
  const UnitFacts& facts(const Unit& unit) const;
  // Where a unit is highest, or lowest, 32 places or more from one another; of equal ones, some from all of the corpus.
  std::vector<UnitPlace> extremes(const Unit& unit, bool lowest, std::size_t count) const;
  // After places first to last (included), to within 1/127 of the power of two above the unit's largest size.
  std::vector<double> values(const Unit& unit, std::size_t first, std::size_t last) const;
  Like like(const LikeQuestion& question) const;                          // of the corpus itself
  Like like(const UnitCorpus& text, const LikeQuestion& question) const;  // of a text, read from its beginning

  struct Impl;  // src/explain/unit_finder.h

 private:
  std::unique_ptr<Impl> impl_;
};

// What of a finder to write as JSON (docs/explain-json.md, UNITS).
struct UnitsJson {
  std::string name = {};                        // of the model
  std::optional<std::vector<Unit>> units = {};  // nothing: all
  std::optional<std::size_t> layer = {};        // of all, those of this layer alone
  std::size_t places = 5;                       // highest and lowest ones of each unit
};
SLUICE_API std::string to_json(const UnitFinder& finder, const UnitsJson& options);
// The corpus as it stands around the places.
SLUICE_API std::string to_json(const UnitFinder& finder, const UnitCorpus& text, const Like& like);
// What is shown around a place or range: its first place, and the one behind its last.
SLUICE_API std::pair<std::size_t, std::size_t> around(const UnitFinder& finder, std::size_t first, std::size_t last);

}  // namespace sluice
