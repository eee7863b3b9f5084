/* What the cases are written with. Buffers come from exactly(), in the exact size, so that the address sanitizer sees
 * one byte too many. */
#ifndef SLUICE_TESTS_C_CHECKS_H
#define SLUICE_TESTS_C_CHECKS_H

#include <string.h>

#include "c_cases.h"
#include "sluice/c.h"

/* Remembers a failure for c_failures(). */
void c_note(const char* file, int line, const char* what, const char* detail);

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) c_note(__FILE__, __LINE__, #condition, sluice_last_error()); \
  } while (0)
#define CHECK_OK(call)                                                               \
  do {                                                                               \
    if ((call) != SLUICE_OK) c_note(__FILE__, __LINE__, #call, sluice_last_error()); \
  } while (0)
/* The status, and a sentence of one line that names the function and holds these words. */
#define REFUSED(status, words, function, arguments)                                                         \
  do {                                                                                                      \
    if (function arguments != (status)) c_note(__FILE__, __LINE__, #function #arguments, "another status"); \
    if (strncmp(sluice_last_error(), #function ": ", sizeof #function + 1) != 0 ||                          \
        strstr(sluice_last_error(), words) == NULL || strchr(sluice_last_error(), '\n') != NULL)            \
      c_note(__FILE__, __LINE__, #function #arguments, sluice_last_error());                                \
  } while (0)

void* exactly(size_t size);
sluice_model* load(const char* path);
sluice_stream* stream_on(const sluice_model* model);
/* A whole file; *size is its bytes. */
unsigned char* read_whole(const char* path, size_t* size);

void streams_like_the_library(const struct c_world* world);
void top_is_sorted_and_whole(const struct c_world* world);
void looks_into_a_model(const struct c_world* world);
void reads_text(const struct c_world* world);
void streams_with_less_precision(const struct c_world* world);
void loads_only_model_files(const struct c_world* world);
void loads_from_memory_and_refuses_every_flipped_byte(const struct c_world* world);
void refuses_wrong_arguments_of_models(const struct c_world* world);
void refuses_wrong_arguments_of_streams(const struct c_world* world);
void a_copied_state_goes_on_with_the_same_bits(const struct c_world* world);
void streams_numbers_like_the_library(const struct c_world* world);
void a_nan_is_noticed_and_recovered_from(const struct c_world* world);
void the_two_kinds_of_model_are_told_apart(const struct c_world* world);
void tokens_are_fed_all_or_not_at_all(const struct c_world* world);
void a_state_goes_through_bytes(const struct c_world* world);
void a_batch_has_the_bits_of_its_streams(const struct c_world* world);
void refuses_wrong_arguments_of_batches(const struct c_world* world);
void a_sentence_stays_within_its_room(const struct c_world* world);

#endif
