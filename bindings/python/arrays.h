// NumPy's arrays as the library reads and writes them: rows of float32 or uint32, without a copy where layout and type
// fit.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace nb = nanobind;

namespace sluice::python {

// Once, before everything else here. Throws nb::python_error.
void import_numpy();

// An array that somebody gave: `owner` keeps its numbers alive.
template <class T>
struct Given {
  nb::object owner;
  const T* data = nullptr;
  std::vector<std::size_t> shape;

  std::size_t size() const {
    std::size_t product = 1;
    for (const std::size_t n : shape) product *= n;
    return product;
  }
  std::span<const T> values() const { return {data, size()}; }
};

// C-contiguous float32 as it is; anything else as sluice._arrays converts it, once, or refuses it. `name` is what the
// messages call it.
Given<float> floats(nb::handle x, const char* name);
Given<std::uint32_t> integers(nb::handle x, const char* name);
// The same as float64 and as int64.
Given<double> doubles(nb::handle x, const char* name);
Given<std::int64_t> whole_numbers(nb::handle x, const char* name);
// The numbers of a C-contiguous float32 array of one dimension or, with `rows`, of two; nullptr for whatever else.
const float* floats_as_they_are(nb::handle x, std::size_t& count) noexcept;

// A new array, whose numbers go to `data`.
nb::object new_floats(std::initializer_list<std::size_t> shape, float*& data);
nb::object new_floats(std::span<const std::size_t> shape, float*& data);
nb::object to_array(std::span<const float> values, std::initializer_list<std::size_t> shape);
nb::object to_array(std::span<const float> values);
nb::object to_array(std::span<const double> values, std::initializer_list<std::size_t> shape);

// What makes an array of NumPy one of the library that is named (None: NumPy), as sluice._arrays does; throws
// for another name, and for a library that is not there.
nb::object converter(nb::handle like);

// The numbers of an array that is C-contiguous float32, writable and of that size; else throws a ValueError.
float* writable(nb::handle out, std::size_t count, const char* name);

}  // namespace sluice::python
