// Counting and interpolation; see ngram.h.
#include "data/ngram.h"

#include <algorithm>
#include <cmath>

#include "base/failure.h"

namespace sluice {

std::size_t NGram::Level::slot_of(std::uint64_t key) const {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15u;  // 2^64 / the golden ratio (Knuth, volume 3, section 6.4)
  std::uint64_t mixed = (key ^ (key >> 32)) * kSpread;
  mixed ^= mixed >> 32;
  std::size_t slot = (mixed * kSpread) >> shift_;
  while (slots_[slot] != kNone && keys_[slots_[slot]] != key) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

NGram::Id NGram::Level::find(Id before, Token last) const {
  if (slots_.empty()) return kNone;
  return slots_[slot_of(std::uint64_t{before} << 32 | last)];
}

NGram::Id NGram::Level::insert(Id before, Token last, bool& fresh) {
  if (keys_.size() * 2 >= slots_.size()) grow();
  const std::uint64_t key = std::uint64_t{before} << 32 | last;
  Id& slot = slots_[slot_of(key)];
  fresh = slot == kNone;
  if (fresh) {
    slot = static_cast<Id>(keys_.size());
    keys_.push_back(key);
    counts.push_back(0);
  }
  return slot;
}

void NGram::Level::grow() {
  const std::size_t slots = std::max<std::size_t>(64, slots_.size() * 2);
  slots_ = {};  // first, so that both are never there
  slots_.assign(slots, kNone);
  shift_ = 64;
  for (std::size_t i = slots; i > 1; i /= 2) --shift_;
  for (std::size_t id = 0; id < keys_.size(); ++id) slots_[slot_of(keys_[id])] = static_cast<Id>(id);
}

NGram::NGram(std::span<const Token> text, std::size_t vocabulary, std::size_t order, const Limits& limits) try
    : levels_(order), following_(order), discounts_(order), vocabulary_(static_cast<double>(vocabulary)) {
  count(text, limits);
  sum_up();
} catch (...) {
  rethrow_as_error("n-gram");
}

// From the end to the beginning, so that what is left out where the limits are reached is the beginning. The n-grams
// that start at a token come one from the other; that without its first token starts at the next one.
void NGram::count(std::span<const Token> text, const Limits& limits) {
  const std::size_t order = levels_.size();
  std::vector<Id> here(order + 1), next(order + 1);  // by length
  for (std::size_t i = text.size(); i-- > 0 && tokens_ < limits.tokens && grams_ < limits.grams; ++tokens_) {
    const std::size_t longest = std::min(order, text.size() - i);
    for (std::size_t k = 1; k <= longest; ++k) {
      bool fresh = false;
      here[k] = levels_[k - 1].insert(here[k - 1], text[i + k - 1], fresh);
      if (k == order) ++levels_[k - 1].counts[here[k]];
      if (fresh && k > 1) ++levels_[k - 2].counts[next[k - 1]];
      grams_ += fresh;
    }
    std::swap(here, next);
  }
}

void NGram::sum_up() {
  for (std::size_t length = 0; length < levels_.size(); ++length) {
    const Level& level = levels_[length];
    std::vector<Following>& following = following_[length];
    following.resize(length == 0 ? 1 : levels_[length - 1].size());
    for (std::size_t id = 0; id < level.size(); ++id) {
      const std::uint32_t c = level.counts[id];
      Following& f = following[level.before(static_cast<Id>(id))];
      f.sum += c;
      f.once += c == 1;
      f.twice += c == 2;
      f.more += c > 2;
    }
    discounts_[length] = estimate(level);
  }
}

NGram::Discounts NGram::estimate(const Level& level) {
  constexpr Discounts kWithoutCounts = {0, 0.5, 1, 1.5};
  std::array<double, 5> n{};
  for (const std::uint32_t c : level.counts) {
    if (c < n.size()) ++n[c];
  }
  const double y = n[1] / (n[1] + 2 * n[2]);
  Discounts discounts{};
  for (std::size_t k = 1; k < discounts.size(); ++k) {
    const auto count = static_cast<double>(k);
    discounts[k] = count - (count + 1) * y * n[k + 1] / n[k];
    if (!(discounts[k] > 0 && discounts[k] <= count)) return kWithoutCounts;  // NaN too
  }
  return discounts;
}

double NGram::interpolate(std::size_t length, Id before, Id id, double lower) const {
  const Following& f = following_[length][before];
  if (f.sum == 0) return lower;  // nothing follows: it ends the text
  const Discounts& d = discounts_[length];
  const std::uint32_t c = id == kNone ? 0 : levels_[length].counts[id];
  const double rest = d[1] * f.once + d[2] * f.twice + d[3] * f.more;
  return (c - d[std::min<std::size_t>(c, 3)] + rest * lower) / f.sum;
}

double NGram::step(std::vector<Id>& ids, Token token) const {
  double p = 1 / vocabulary_;
  Id before = ids[0];
  for (std::size_t length = 0; length < levels_.size(); ++length) {
    Id id = kNone;
    if (before != kNone) {
      id = levels_[length].find(before, token);
      p = interpolate(length, before, id, p);
    }
    before = ids[length + 1];
    ids[length + 1] = id;
  }
  return p;
}

double NGram::probability(std::span<const Token> before, Token next) const {
  std::vector<Id> ids(levels_.size() + 1, kNone);
  ids[0] = 0;
  for (const Token token : before.last(std::min(before.size(), levels_.size() - 1))) step(ids, token);
  return step(ids, next);
}

std::vector<float> NGram::nats(std::span<const Token> text) const try {
  std::vector<Id> ids(levels_.size() + 1, kNone);
  ids[0] = 0;
  std::vector<float> nats;
  nats.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const double p = step(ids, text[i]);
    if (i > 0) nats.push_back(static_cast<float>(-std::log(p)));
  }
  return nats;
} catch (...) {
  rethrow_as_error("n-gram");
}

}  // namespace sluice
