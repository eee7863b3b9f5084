#include "arrays.h"

#define NPY_NO_DEPRECATED_API NPY_1_24_API_VERSION
#define NPY_TARGET_VERSION NPY_1_24_API_VERSION
#include <numpy/arrayobject.h>

#include <algorithm>
#include <string>

#if NPY_ABI_VERSION < 0x02000000
#error "a module built with the headers of NumPy 1 does not run with NumPy 2; those of NumPy 2 serve both"
#endif

namespace sluice::python {
namespace {

PyArrayObject* array_of(nb::handle x) { return reinterpret_cast<PyArrayObject*>(x.ptr()); }

bool is_plain(nb::handle x, int type) noexcept {
  return PyArray_Check(x.ptr()) && PyArray_TYPE(array_of(x)) == type && PyArray_ISCARRAY_RO(array_of(x));
}

template <class T>
Given<T> given(nb::handle x, int type, const char* converter, const char* name) {
  Given<T> result;
  result.owner = is_plain(x, type) ? nb::borrow(x) : nb::module_::import_("sluice._arrays").attr(converter)(x, name);
  if (!is_plain(result.owner, type)) throw nb::type_error("sluice._arrays: expected to make a contiguous array");
  PyArrayObject* array = array_of(result.owner);
  result.data = static_cast<const T*>(PyArray_DATA(array));
  for (int d = 0; d < PyArray_NDIM(array); ++d) result.shape.push_back(static_cast<std::size_t>(PyArray_DIM(array, d)));
  return result;
}

}  // namespace

void import_numpy() {
  if (_import_array() < 0) throw nb::python_error();
}

Given<float> floats(nb::handle x, const char* name) { return given<float>(x, NPY_FLOAT32, "floats", name); }
Given<std::uint32_t> integers(nb::handle x, const char* name) {
  return given<std::uint32_t>(x, NPY_UINT32, "integers", name);
}
Given<double> doubles(nb::handle x, const char* name) { return given<double>(x, NPY_FLOAT64, "doubles", name); }
Given<std::int64_t> whole_numbers(nb::handle x, const char* name) {
  return given<std::int64_t>(x, NPY_INT64, "whole_numbers", name);
}

const float* floats_as_they_are(nb::handle x, std::size_t& count) noexcept {
  if (!is_plain(x, NPY_FLOAT32) || PyArray_NDIM(array_of(x)) != 1) return nullptr;
  count = static_cast<std::size_t>(PyArray_DIM(array_of(x), 0));
  return static_cast<const float*>(PyArray_DATA(array_of(x)));
}

namespace {

template <class T>
nb::object new_array(std::span<const std::size_t> shape, int type, T*& data) {
  npy_intp sizes[NPY_MAXDIMS_LEGACY_ITERS];
  std::ranges::transform(shape, sizes, [](std::size_t n) { return static_cast<npy_intp>(n); });
  PyObject* made = PyArray_SimpleNew(static_cast<int>(shape.size()), sizes, type);
  if (made == nullptr) throw nb::python_error();
  data = static_cast<T*>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(made)));
  return nb::steal(made);
}

}  // namespace

nb::object new_floats(std::span<const std::size_t> shape, float*& data) { return new_array(shape, NPY_FLOAT32, data); }

nb::object new_floats(std::initializer_list<std::size_t> shape, float*& data) {
  return new_floats(std::span(shape.begin(), shape.size()), data);
}

nb::object to_array(std::span<const float> values, std::initializer_list<std::size_t> shape) {
  float* data = nullptr;
  nb::object made = new_floats(shape, data);
  std::ranges::copy(values, data);
  return made;
}

nb::object to_array(std::span<const double> values, std::initializer_list<std::size_t> shape) {
  double* data = nullptr;
  nb::object made = new_array(std::span(shape.begin(), shape.size()), NPY_FLOAT64, data);
  std::ranges::copy(values, data);
  return made;
}

nb::object to_array(std::span<const float> values) { return to_array(values, {values.size()}); }

nb::object converter(nb::handle like) { return nb::module_::import_("sluice._arrays").attr("converter")(like); }

float* writable(nb::handle out, std::size_t count, const char* name) {
  const bool fits = is_plain(out, NPY_FLOAT32) && PyArray_ISWRITEABLE(array_of(out)) &&
                    static_cast<std::size_t>(PyArray_SIZE(array_of(out))) == count;
  if (!fits) {
    throw nb::value_error(
        (std::string(name) + ": expected a writable, C-contiguous array of " + std::to_string(count) + " float32")
            .c_str());
  }
  return static_cast<float*>(PyArray_DATA(array_of(out)));
}

}  // namespace sluice::python
