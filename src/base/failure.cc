#include "base/failure.h"

#include <new>
#include <stdexcept>
#include <string>

#include "sluice/error.h"

namespace sluice {
namespace {

constexpr const char* kTooLittle = "expected enough memory, found too little";

// Made when the library is loaded: an exception takes memory for its sentence, but none to be copied.
const OutOfMemory out_of_memory(kTooLittle);

[[noreturn]] void fail(const char* where) {
  try {
    throw OutOfMemory(std::string(where) + ": " + kTooLittle);
  } catch (const std::bad_alloc&) {
    throw out_of_memory;
  }
}

}  // namespace

void rethrow_as_error(const char* where) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    fail(where);
  } catch (const std::length_error&) {
    fail(where);
  }
}

}  // namespace sluice
