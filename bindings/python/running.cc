#include "running.h"

namespace sluice::python {

bool Signals::check_now() {
  return keep([] {
    if (PyErr_CheckSignals() < 0) throw nb::python_error();
  });
}

bool Signals::go_on() {
  const auto now = std::chrono::steady_clock::now();
  if (raised_ != nullptr) return false;
  if (now - looked_ < std::chrono::milliseconds(20)) return true;
  looked_ = now;
  nb::gil_scoped_acquire lock;
  return check_now();
}

}  // namespace sluice::python
