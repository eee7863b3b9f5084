/* The tests of sluice/c.h are written in C, as its users will write; c_test.cc runs them. */
#ifndef SLUICE_TESTS_C_CASES_H
#define SLUICE_TESTS_C_CASES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What c_test.cc prepares through the C++ library. */
struct c_world {
  const char* model_path;     /* a model of words */
  const char* other_path;     /* one of another size */
  const char* missing_path;   /* no file */
  const float* probabilities; /* of the C++ stream after tokens 1, 2, 3: [vocabulary] */
  size_t vocabulary;
  const char* token_1;
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
