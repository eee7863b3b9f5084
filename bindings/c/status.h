// How the functions of sluice/c.h say what went wrong: a status, and a sentence in memory of the thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <string_view>

#include "sluice/c.h"
#include "sluice/error.h"

namespace sluice::c {

// Begins a new sentence, and adds to it; what does not fit is left out. Takes no memory.
void start_sentence() noexcept;
void add(std::string_view text) noexcept;
void add(std::size_t number) noexcept;

template <class... Parts>
sluice_status fail(sluice_status status, const Parts&... parts) noexcept {
  start_sentence();
  (add(parts), ...);
  return status;
}

template <class... Parts>
sluice_status refuse(const char* function, const Parts&... parts) noexcept {
  return fail(SLUICE_USAGE, function, ": expected ", parts...);
}

// Runs what may throw, and lets nothing out.
template <class F>
sluice_status guarded(const char* function, F&& f) noexcept {
  try {
    f();
    return SLUICE_OK;
  } catch (const Error& error) {
    return fail(static_cast<sluice_status>(error.status()), function, ": ", error.what());
  } catch (const std::bad_alloc&) {
    return fail(SLUICE_FAILED, function, ": expected enough memory, found too little");
  } catch (const std::exception& error) {
    return fail(SLUICE_FAILED, function, ": ", error.what());
  } catch (...) {
    return fail(SLUICE_FAILED, function, ": expected no other failure, found one");
  }
}

}  // namespace sluice::c
