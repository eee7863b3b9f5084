// Products in double and plain loops, of which the reference is made.
#pragma once

#include <cstddef>

namespace sluice::reference {

// y [rows] += M [rows, columns] x [columns]
inline void add_product(const double* m, std::size_t rows, std::size_t columns, const double* x, double* y) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) y[i] += m[i * columns + k] * x[k];
  }
}

// What add_product does, backwards: dM += dy x^T, dx += M^T dy.
inline void add_product_gradients(const double* m, std::size_t rows, std::size_t columns, const double* x,
                                  const double* dy, double* dm, double* dx) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) {
      dm[i * columns + k] += dy[i] * x[k];
      dx[k] += m[i * columns + k] * dy[i];
    }
  }
}

inline void add(const double* x, std::size_t n, double* sum) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += x[i];
}

}  // namespace sluice::reference
