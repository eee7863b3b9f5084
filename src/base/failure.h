// Too little memory, for which the C++ library throws exceptions of its own, turned into an Error.
#pragma once

namespace sluice {

// For the catch (...) around a public function that takes memory. Goes on with the exception at hand; but in the place
// of std::bad_alloc, and of std::length_error for a size that no memory has, throws OutOfMemory, whose sentence begins
// with `where`. Works without memory too; then the sentence does not say where.
[[noreturn]] void rethrow_as_error(const char* where);

}  // namespace sluice
