// The standard of C++ that the headers need, said in one sentence before the compiler stumbles over what is missing.
// sluice/c.h goes without, as far down as C99 and C++98.
#pragma once

#if __cplusplus <= 201703L
#error "Sluice needs C++20: compile with -std=c++20 or newer (in CMake: target_compile_features(... cxx_std_20))"
#endif
