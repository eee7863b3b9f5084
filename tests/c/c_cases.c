/* Every function of sluice/c.h, and every argument of it wrong in turn: the list of cases, and what they share. */
#include "c_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c_checks.h"

static char failures[4096];

const char* c_failures(void) {
  static char given[sizeof failures];
  memcpy(given, failures, sizeof failures);
  failures[0] = 0;
  return given;
}

void c_note(const char* file, int line, const char* what, const char* detail) {
  const size_t used = strlen(failures);
  snprintf(failures + used, sizeof failures - used, "%s:%d: %s: %s\n", file, line, what, detail);
}

void* exactly(size_t size) {
  void* memory = malloc(size);
  if (memory == NULL) abort();
  return memory;
}

sluice_model* load(const char* path) {
  sluice_model* model = NULL;
  CHECK_OK(sluice_model_load(path, &model));
  return model;
}

sluice_stream* stream_on(const sluice_model* model) {
  sluice_stream* stream = NULL;
  CHECK_OK(sluice_stream_new(model, &stream));
  return stream;
}

unsigned char* read_whole(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  unsigned char* bytes;
  if (file == NULL) abort();
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  bytes = exactly(*size);
  if (fread(bytes, 1, *size, file) != *size) abort();
  fclose(file);
  return bytes;
}

#define CASE(name) \
  { #name, name }
const struct c_case c_cases[] = {
    CASE(streams_like_the_library),
    CASE(top_is_sorted_and_whole),
    CASE(looks_into_a_model),
    CASE(reads_text),
    CASE(streams_with_less_precision),
    CASE(loads_only_model_files),
    CASE(loads_from_memory_and_refuses_every_flipped_byte),
    CASE(refuses_wrong_arguments_of_models),
    CASE(refuses_wrong_arguments_of_streams),
    CASE(a_copied_state_goes_on_with_the_same_bits),
    CASE(streams_numbers_like_the_library),
    CASE(a_nan_is_noticed_and_recovered_from),
    CASE(the_two_kinds_of_model_are_told_apart),
    CASE(tokens_are_fed_all_or_not_at_all),
    CASE(a_state_goes_through_bytes),
    CASE(a_batch_has_the_bits_of_its_streams),
    CASE(refuses_wrong_arguments_of_batches),
    CASE(a_sentence_stays_within_its_room),
};
const size_t c_case_count = sizeof c_cases / sizeof c_cases[0];
