// Orthogonal matrices, from which recurrent weights start.
#pragma once

#include <cstddef>
#include <span>

#include "base/random.h"

namespace sluice {

// Matrices [count, n, n] of normals, drawn one after another, whose rows are made orthonormal by Gram-Schmidt, twice
// over for the sake of float64.
void fill_orthogonal(std::span<float> values, std::size_t count, std::size_t n, Random& random);

}  // namespace sluice
