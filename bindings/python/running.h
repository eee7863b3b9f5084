// What keeps Python alive while the library works: the interpreter's lock released, its signals looked at, and what one
// thread at a time may use guarded.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <exception>

#include "base/watch.h"
#include "sluice/error.h"

namespace sluice::python {

namespace nb = nanobind;

// Asked again and again by work that goes on without the interpreter's lock: whether a signal handler has raised, such
// as that of Ctrl-C.
class Signals {
 public:
  // With the lock, every 20 ms. False: something was raised, and the work should end.
  bool go_on();
  // With the lock held: the same at once.
  bool check_now();
  // Calls f, and keeps what it raises. False: it raised.
  template <class F>
  bool keep(F&& f) {
    try {
      f();
    } catch (nb::python_error&) {
      raised_ = std::current_exception();
    }
    return raised_ == nullptr;
  }
  bool raised() const { return raised_ != nullptr; }
  // Throws what was raised.
  void rethrow() const {
    if (raised_ != nullptr) std::rethrow_exception(raised_);
  }

 private:
  std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
  std::exception_ptr raised_;
};

// Runs f without the interpreter's lock; what a signal handler has raised goes before the library's Error, which then
// says no more than that the work was stopped.
template <class F>
auto without_lock(const Signals& signals, F&& f) {
  try {
    nb::gil_scoped_release release;
    return f();
  } catch (const Error&) {
    signals.rethrow();
    throw;
  }
}

// The same of work that asks whether to go on (base/watch.h), and is given up where a signal handler has raised.
template <class F>
auto interruptible(Signals& signals, F&& f) {
  try {
    return without_lock(signals, [&] {
      const Watch watch([&] { return signals.go_on(); });
      const Watch::Heeded heeded;
      return f();
    });
  } catch (const Stopped&) {
    signals.rethrow();
    throw;  // nobody else stops it
  }
}

// Holds what one thread at a time may use. Throws Error (usage) where another one has it.
class Use {
 public:
  Use(std::atomic<bool>& used, const char* what) : used_(used) {
    if (used_.exchange(true, std::memory_order_acquire)) {
      throw Error(Status::usage, std::string(what) + ": expected one thread at a time, found two");
    }
  }
  ~Use() { used_.store(false, std::memory_order_release); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  std::atomic<bool>& used_;
};

}  // namespace sluice::python
