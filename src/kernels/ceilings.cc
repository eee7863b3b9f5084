#include "kernels/ceilings.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ceilings.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "kernels/dispatch.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {
namespace {

// Twelve chains cover two multiply-adds a cycle of latency up to six, and fit every target's registers beside the two
// operands.
constexpr std::size_t kChains = 12;
constexpr std::size_t kRounds = 64;  // multiply-adds of a chain in a round

double multiply_add_rounds(std::size_t rounds) {
  const D d;
  Vec chain[kChains];
  SLUICE_UNROLL for (std::size_t i = 0; i < kChains; ++i) chain[i] = hn::Set(d, static_cast<float>(i));
  // The fixed point of x * 0.5 + 1 is 2: nothing overflows and nothing becomes denormal.
  const Vec half = hn::Set(d, 0.5f), one = hn::Set(d, 1.f);
  for (std::size_t k = 0; k < rounds * kRounds; ++k) {
    SLUICE_UNROLL for (std::size_t i = 0; i < kChains; ++i) chain[i] = hn::MulAdd(chain[i], half, one);
  }
  Vec sum = chain[0];
  for (std::size_t i = 1; i < kChains; ++i) sum = hn::Add(sum, chain[i]);
  volatile float sink = hn::GetLane(sum);  // without which there is nothing to compute
  (void)sink;
  return 2.0 * static_cast<double>(kLanes * kChains * kRounds * rounds);
}

float read_rows(const float* data, std::size_t n) {
  const D d;
  constexpr std::size_t kSums = 8;
  Vec sums[kSums];
  SLUICE_UNROLL for (std::size_t i = 0; i < kSums; ++i) sums[i] = hn::Zero(d);
  for (std::size_t k = 0; k < n; k += kSums * kLanes) {
    SLUICE_UNROLL for (std::size_t i = 0; i < kSums; ++i) sums[i] =
        hn::Add(sums[i], hn::LoadU(d, data + k + i * kLanes));
  }
  for (std::size_t i = 1; i < kSums; ++i) sums[0] = hn::Add(sums[0], sums[i]);
  return hn::GetLane(hn::SumOfLanes(d, sums[0]));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(multiply_add_rounds);
SLUICE_EXPORT(read_rows);

double multiply_add(std::size_t rounds) { return SLUICE_DISPATCH(multiply_add_rounds)(rounds); }
float read_all(const float* data, std::size_t n) { return SLUICE_DISPATCH(read_rows)(data, n); }

}  // namespace sluice
#endif  // HWY_ONCE
