// The module sluice._core: the library as Python's classes and functions, which the modules of sluice/ make the public
// ones of. A file a subject.
#include <nanobind/nanobind.h>

#include "arrays.h"
#include "errors.h"
#include "fields.h"
#include "subjects.h"

NB_MODULE(_core, m) {
  using namespace sluice::python;
  m.attr("__version__") = SLUICE_VERSION;
  import_numpy();
  bind_errors(m);
  bind_fields(m);
  bind_model(m);
  bind_streams(m);
  bind_data(m);
  bind_tables(m);
  bind_training(m);
  bind_forecast(m);
  bind_explain(m);
  bind_layers(m);
}
