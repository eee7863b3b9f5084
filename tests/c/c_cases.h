/* The tests of sluice/c.h are written in C, as its users will write; c_test.cc runs them. */
#ifndef SLUICE_TESTS_C_CASES_H
#define SLUICE_TESTS_C_CASES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What c_test.cc prepares through the C++ library. */
struct c_world {
  const char* model_path;   /* a model of words: lstm, 2 layers of 24, 7 tokens */
  const char* other_path;   /* one of another size */
  const char* numbers_path; /* a model on numbers: gru of 12, 3 inputs, 2 outputs */
  const char* missing_path; /* no file */
  const char* token_1;
  size_t vocabulary;
  const float* probabilities; /* of the C++ stream after tokens 1, 2, 3: [vocabulary] */
  const float* x;             /* [5, 3] */
  const float* y;             /* what the C++ stream answers: [5, 2] */
};

struct c_case {
  const char* name;
  void (*run)(const struct c_world* world);
};

extern const struct c_case c_cases[];
extern const size_t c_case_count;

/* What failed since the last call, a line each; "" if nothing did. */
const char* c_failures(void);

#ifdef __cplusplus
}
#endif

#endif
