// A training that Python is told of as it goes on, and that what Python raises ends.
#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <utility>

#include "base/watch.h"
#include "running.h"
#include "sluice/model.h"
#include "sluice/train.h"

namespace sluice::python {

// Calls `report` (None: nobody) at every report of training and looks at signals.
class Reports {
 public:
  explicit Reports(nb::object report) : report_(std::move(report)) {}

  bool operator()(const Report& report) {
    nb::gil_scoped_acquire lock;
    bool go_on = true;
    if (!signals_.check_now()) return false;
    if (report_.is_none()) return true;
    const bool kept = signals_.keep([&] {
      const nb::object said = report_(nb::cast(report));
      go_on = !PyBool_Check(said.ptr()) || said.ptr() == Py_True;
    });
    return kept && go_on;
  }
  bool go_on() { return signals_.go_on(); }  // between reports, and without the lock
  const Signals& signals() const { return signals_; }
  // The exception, as an object; None where there is none.
  nb::object raised() const {
    try {
      signals_.rethrow();
    } catch (const nb::python_error& error) {
      return nb::borrow(error.value());
    }
    return nb::none();
  }

 private:
  nb::object report_;
  Signals signals_;
};

// Gives the model, the result and, where it was stopped by what the report or a signal handler raised, that: a tuple,
// which Python's collector of cycles sees into, since a traceback may lead back to it.
template <class Train>
nb::tuple run(Model model, nb::object report, Train&& train) {
  Reports reports(std::move(report));
  const TrainResult result = without_lock(reports.signals(), [&] {
    const Watch watch([&] { return reports.go_on(); });
    return train(model, std::ref(reports));
  });
  if (!result.stopped) reports.signals().rethrow();  // raised at the very end
  return nb::make_tuple(std::move(model), result, reports.raised());
}

}  // namespace sluice::python
