#include "bench/measure/ceilings.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "bench/measure/samples.h"
#include "kernels/ceilings.h"
#include "kernels/kernels.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kRows = 192, kDepth = 256, kOutputs = 256;
constexpr double kSampleSeconds = 1e-3;

// Calls f(runs) with as many runs as take about a sample's time; returns what f did (a count) a second.
template <class F>
double per_second(std::size_t& runs, F&& f) {
  for (;;) {
    const double start = seconds_now();
    const double done = f(runs);
    const double taken = seconds_now() - start;
    if (taken > kSampleSeconds / 2) return done / taken;
    runs *= 2;
  }
}

std::size_t cache_size(int name) {
  const long size = sysconf(name);
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

}  // namespace

Caches caches() {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  return {cache_size(_SC_LEVEL1_DCACHE_SIZE), cache_size(_SC_LEVEL2_CACHE_SIZE), cache_size(_SC_LEVEL3_CACHE_SIZE)};
#else
  return {};
#endif
}

struct Ceilings::Impl {
  struct Matrices {
    Panels weights;
    AlignedVector<float> a, c;
  };

  explicit Impl(std::size_t threads) : team(threads), matrices(team.size()) {
    for (Matrices& m : matrices) {
      m.weights.depth = kDepth;
      m.weights.outputs = kOutputs;
      m.weights.vectors = 4;
      m.weights.data.assign(m.weights.panels() * m.weights.stride(), 0.01f);
      m.a.assign(kRows * (kDepth + kBlock), 1.f);
      m.c.assign(kRows * (kOutputs + kBlock), 0.f);
    }
  }

  // Ahead of what is timed: the team has slept since the last sample.
  void wake() {
    team.run([](std::size_t) {});
  }

  Team team;
  std::vector<Matrices> matrices;
  AlignedVector<float> data;
  std::size_t add_rounds = 1000, product_rounds = 4;
};

Ceilings::Ceilings(std::size_t threads) : impl_(std::make_unique<Impl>(threads)) {}
Ceilings::~Ceilings() = default;

double Ceilings::multiply_adds() {
  Impl& m = *impl_;
  m.wake();
  return per_second(m.add_rounds, [&](std::size_t rounds) {
    std::vector<double> done(m.team.size());
    m.team.run([&](std::size_t thread) { done[thread] = multiply_add(rounds); });
    return done[0] * static_cast<double>(m.team.size());
  });
}

double Ceilings::products() {
  Impl& m = *impl_;
  m.wake();
  return per_second(m.product_rounds, [&](std::size_t rounds) {
    m.team.run([&](std::size_t thread) {
      Impl::Matrices& own = m.matrices[thread];
      const AlignedVector<float> zeros(kOutputs, 0.f);
      for (std::size_t i = 0; i < rounds; ++i) {
        multiply(own.weights, own.a.data(), kDepth + kBlock, own.c.data(), kOutputs + kBlock, zeros.data(), 0, kRows, 0,
                 own.weights.panels());
      }
    });
    return 2.0 * static_cast<double>(kRows * kDepth * kOutputs * rounds * m.team.size());
  });
}

double Ceilings::reads(std::size_t bytes) {
  Impl& m = *impl_;
  const std::size_t n = round_up(bytes / sizeof(float), 16 * kBlock);
  if (m.data.size() < n) m.data.resize(n, 1.f);
  std::size_t rounds = 1;
  volatile float sink = 0;
  return per_second(rounds, [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) sink = sink + read_all(m.data.data(), n);
    return static_cast<double>(count * n * sizeof(float));
  });
}

}  // namespace sluice::bench
