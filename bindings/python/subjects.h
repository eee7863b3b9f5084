// What module.cc puts together.
#pragma once

#include <nanobind/nanobind.h>

namespace sluice::python {

void bind_model(nanobind::module_& m);
void bind_streams(nanobind::module_& m);
void bind_data(nanobind::module_& m);
void bind_tables(nanobind::module_& m);
void bind_training(nanobind::module_& m);
void bind_forecast(nanobind::module_& m);
void bind_explain(nanobind::module_& m);
void bind_layers(nanobind::module_& m);

}  // namespace sluice::python
