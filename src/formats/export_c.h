// A model as one freestanding C99 file, for machines without an operating system: no heap, no libm, no libc, no static
// mutable state. docs/export.md describes what is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "sluice/model.h"

namespace sluice {

enum class CPrecision {
  f32,   // weights and arithmetic in float
  int8,  // weights in 8 bits with a scale a row; x and h rounded to 16 bits a step, sums in 32 bits, state in float
};

struct COptions {
  CPrecision precision = CPrecision::f32;
  std::string prefix = "model";  // of every name: a C identifier that begins with a letter
  std::string header;           // by what name the source includes its header; empty: there is none, all is in one file
  std::optional<bool> tokens;   // write the tokens' texts; by default for vocabularies of at most 1024
  std::size_t check_steps = 0;  // write PREFIX_check with the engine's numbers for so many steps; 0: none
};

// What weights in 8 bits change over int8_error_steps steps of a text that the model itself writes, or of noise for
// a model on numbers: the largest differences, of the larger of 1 and the number itself, and after how many steps the
// same output is largest.
inline constexpr std::size_t int8_error_steps = 128;
struct CInt8Error {
  double state = 0, outputs = 0;
  std::size_t same = 0;
};

struct CSource {
  std::string source, header;  // the files' contents; header is empty where none was asked for
  std::size_t weight_bytes = 0, state_bytes = 0, work_bytes = 0, token_bytes = 0;
  std::uint64_t step_products = 0, output_products = 0;  // multiply-adds of PREFIX_step and of PREFIX_outputs
  std::optional<CInt8Error> error;                       // of int8; f32 is within 1e-5
};

// Throws Error (usage), with `where` in front, for a network that export_c() has no form for.
void expect_for_c(const Model& model, const std::string& where);

// The same model and options give the same bytes. Throws Error: usage for a prefix that is no identifier, failed for
// weights that are not finite and for tokens too long for a C string.
CSource export_c(const Model& model, const COptions& options);

}  // namespace sluice
