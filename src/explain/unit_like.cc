// Places of a corpus at which the memory is as it was over a span: the units that came on with the span and went off
// with it, looked for where several of them come on and go off together.
#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "base/failure.h"
#include "explain/unit_finder.h"

namespace sluice {
namespace {

// The bytes of all units over a span, with a place before and one behind it where there are such.
struct Window {
  std::size_t count = 0;  // of places, with those two
  bool before = false, behind = false;
  std::vector<std::int8_t> bytes;  // [units, count]

  std::span<const std::int8_t> of(std::size_t unit) const { return std::span(bytes).subspan(unit * count, count); }
};

// Where a unit is on: sign * byte >= cut.
struct Side {
  std::size_t unit = 0;  // its number among all
  int sign = 1, cut = 0;
  double contrast = 0;  // in standard deviations, from the span to just outside
};

class Search {
 public:
  Search(const UnitFinder::Impl& finder, const LikeQuestion& question) : finder_(finder), question_(question) {}

  Like find(const Window& window) {
    Like like;
    like.question = question_;
    choose_units(window, like);
    for (const Side& side : sides_) like.units.push_back({finder_.facts[side.unit].unit, side.sign < 0});
    if (!sides_.empty() && question_.most > 0) like.places = search();
    return like;
  }

 private:
  void choose_units(const Window& window, Like& like) {
    std::vector<double> thresholds(std::begin(LikeQuestion::thresholds), std::end(LikeQuestion::thresholds));
    if (question_.threshold) thresholds = {*question_.threshold};
    for (const double threshold : thresholds) {
      std::vector<Side> found = units_at(threshold, window);
      if (found.size() > sides_.size() || like.threshold == 0) {
        sides_ = std::move(found);
        like.threshold = threshold;
      }
      if (sides_.size() >= LikeQuestion::enough) break;
    }
    std::ranges::sort(sides_, {}, [](const Side& side) { return std::pair(-side.contrast, side.unit); });
    if (sides_.size() > LikeQuestion::most_units) sides_.resize(LikeQuestion::most_units);
  }

  std::vector<Side> units_at(double threshold, const Window& window) const {
    std::vector<Side> found;
    for (std::size_t u = 0; u < finder_.states.units(); ++u) {
      const UnitFacts& facts = finder_.facts[u];
      if (question_.layer && facts.unit.layer != *question_.layer) continue;
      const double step = finder_.states.step(u), deviation = step > 0 ? facts.deviation / step : 0;
      if (!(deviation > 0)) continue;
      const double mean = facts.mean / step;
      const std::span<const std::int8_t> bytes = window.of(u);
      for (const int sign : {1, -1}) {
        const int cut = static_cast<int>(std::ceil(std::min(sign * mean + threshold * deviation, 1000.0)));
        int least = 1000, outside = -1000;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          const bool within = !(window.before && i == 0) && !(window.behind && i + 1 == bytes.size());
          const int value = sign * bytes[i];
          if (within) least = std::min(least, value);
          if (!within) outside = std::max(outside, value);
        }
        if (least < cut || outside >= cut) continue;
        const double from = outside == -1000 ? sign * mean : outside;
        found.push_back({u, sign, cut, (least - from) / deviation});
      }
    }
    return found;
  }

  bool on(const Side& side, std::size_t place) const {
    return side.sign * finder_.states.bytes(side.unit)[place] >= side.cut;
  }
  // Whether a unit's run of places begins here, or ends here.
  bool comes_on(const Side& side, std::size_t place, std::size_t begin) const {
    return on(side, place) && (place == begin || !on(side, place - 1));
  }

  // How many of the units come on at each place.
  std::vector<std::uint8_t> count_starts() const {
    const std::size_t places = finder_.corpus.size();
    std::vector<std::uint8_t> counts(places);
    for (const Side& side : sides_) {
      const std::int8_t* bytes = finder_.states.bytes(side.unit).data();
      counts[0] += on(side, 0);
      const auto cut = static_cast<std::int8_t>(side.sign * std::clamp(side.cut, -128, 127));
      if (side.sign > 0) {
        for (std::size_t p = 1; p < places; ++p) counts[p] += (bytes[p] >= cut) & (bytes[p - 1] < cut);
      } else {
        for (std::size_t p = 1; p < places; ++p) counts[p] += (bytes[p] <= cut) & (bytes[p - 1] > cut);
      }
    }
    if (!finder_.corpus.apart) return counts;
    for (const std::size_t p : finder_.corpus.sequences.starts) {
      if (p == 0 || p >= places) continue;
      for (const Side& side : sides_) counts[p] += on(side, p) && on(side, p - 1);
    }
    return counts;
  }

  struct Found {
    std::size_t first, last, shared;
  };

  // The ranges from a place on that enough units share.
  void add_ranges(std::size_t first, std::size_t fewest, std::vector<Found>& found) const {
    const auto [begin, end] = finder_.corpus.sequence_of(first);
    std::map<std::size_t, std::size_t> lasts;  // how many units go off behind each place
    for (const Side& side : sides_) {
      if (!comes_on(side, first, begin)) continue;
      std::size_t last = first;
      while (last + 1 < end && on(side, last + 1)) ++last;
      ++lasts[last];
    }
    for (const auto& [last, shared] : lasts) {
      if (shared >= fewest) found.push_back({first, last, shared});
    }
  }

  bool better(const Found& a, const Found& b) const {
    if (a.shared != b.shared) return a.shared > b.shared;
    const auto unlike = [&](const Found& f) {
      const std::size_t length = f.last - f.first, wanted = question_.last - question_.first;
      return std::max(length, wanted) - std::min(length, wanted);
    };
    if (unlike(a) != unlike(b)) return unlike(a) < unlike(b);
    return a.first < b.first;
  }

  // From the places at which most units come on downwards. A range shares no more units than come on at its first
  // place, so what has been found with as many can no longer be outdone.
  std::vector<LikePlace> search() const {
    const std::vector<std::uint8_t> counts = count_starts();
    const std::size_t fewest = (sides_.size() + 3) / 4;
    std::vector<Found> found, chosen;
    for (std::size_t level = sides_.size(); level >= fewest; --level) {
      const std::size_t before = found.size();
      for (std::size_t p = 0; p < counts.size(); ++p) {
        if (counts[p] == level) add_ranges(p, fewest, found);
      }
      if (found.size() == before && level > fewest) continue;
      std::ranges::sort(found, [&](const Found& a, const Found& b) { return better(a, b); });
      chosen.clear();
      for (const Found& one : found) {
        if (one.shared < level || chosen.size() == question_.most) break;
        add_apart(one, chosen);
      }
      if (chosen.size() == question_.most) break;
    }
    std::vector<LikePlace> places;
    places.reserve(chosen.size());
    for (const Found& one : chosen) places.push_back({one.first, one.last, shared_of(one)});
    return places;
  }

  static void add_apart(const Found& one, std::vector<Found>& chosen) {
    const bool overlaps = std::ranges::any_of(
        chosen, [&](const Found& other) { return one.first <= other.last && other.first <= one.last; });
    if (!overlaps) chosen.push_back(one);
  }

  std::vector<std::size_t> shared_of(const Found& range) const {
    const auto [begin, end] = finder_.corpus.sequence_of(range.first);
    std::vector<std::size_t> shared;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      bool is = comes_on(sides_[i], range.first, begin) && (range.last + 1 == end || !on(sides_[i], range.last + 1));
      for (std::size_t p = range.first; p <= range.last && is; ++p) is = on(sides_[i], p);
      if (is) shared.push_back(i);
    }
    return shared;
  }

  const UnitFinder::Impl& finder_;
  const LikeQuestion& question_;
  std::vector<Side> sides_;
};

void check(const UnitFinder::Impl& finder, const UnitCorpus& text, const LikeQuestion& question) {
  finder.expect_range(text, question.first, question.last);
  if (question.layer && *question.layer >= finder.layers.size()) {
    refuse_question("layer", "0 to " + std::to_string(finder.layers.size() - 1), *question.layer);
  }
  const auto [begin, end] = text.sequence_of(question.first);
  if (question.last >= end) {
    refuse_question("last", "a place of the same sequence, up to " + std::to_string(end - 1), question.last);
  }
  if (question.threshold && !(*question.threshold > 0)) {
    throw Error(Status::usage,
                "threshold: expected more than 0 standard deviations, found " + std::to_string(*question.threshold));
  }
}

// A window of these places of a text, its bytes to be filled in.
Window window_of(const UnitCorpus& text, const LikeQuestion& question, std::size_t units) {
  const auto [begin, end] = text.sequence_of(question.first);
  Window window;
  window.before = question.first > begin;
  window.behind = question.last + 1 < end;
  window.count = question.last - question.first + 1 + (window.before ? 1 : 0) + (window.behind ? 1 : 0);
  window.bytes.resize(units * window.count);
  return window;
}

}  // namespace

Like UnitFinder::like(const LikeQuestion& question) const try {
  check(*impl_, impl_->corpus, question);
  Window window = window_of(impl_->corpus, question, impl_->states.units());
  const std::size_t first = question.first - (window.before ? 1 : 0);
  for (std::size_t u = 0; u < impl_->states.units(); ++u) {
    std::ranges::copy(impl_->states.bytes(u).subspan(first, window.count),
                      window.bytes.begin() + static_cast<std::ptrdiff_t>(u * window.count));
  }
  return Search(*impl_, question).find(window);
} catch (...) {
  rethrow_as_error("like");
}

Like UnitFinder::like(const UnitCorpus& text, const LikeQuestion& question) const try {
  check(*impl_, text, question);
  Window window = window_of(text, question, impl_->states.units());
  const std::size_t first = question.first - (window.before ? 1 : 0);
  Team alone(1);
  read_states(impl_->model, text, impl_->state, alone, {}, [&](std::size_t layer, const StateWindow& read) {
    for (const StateRun& run : read.runs) {
      for (std::size_t i = 0; i < run.count; ++i) {
        const std::size_t place = run.place + i;
        if (place < first || place >= first + window.count) continue;
        const float* row = read.at(run, i, run.count);
        for (std::size_t u = 0; u < impl_->layers[layer].units; ++u) {
          const std::size_t number = impl_->states.number({layer, u});
          window.bytes[number * window.count + place - first] = impl_->states.byte_of(number, row[u]);
        }
      }
    }
  });
  return Search(*impl_, question).find(window);
} catch (...) {
  rethrow_as_error("like");
}

}  // namespace sluice
