// The library's Error as Python's exceptions: sluice.Error and what is derived from it.
#pragma once

#include <nanobind/nanobind.h>

namespace sluice::python {

void bind_errors(nanobind::module_& m);

}  // namespace sluice::python
