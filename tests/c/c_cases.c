/* Every function of sluice/c.h, and every argument of it wrong in turn. Buffers come from malloc in the exact size, so
 * that the address sanitizer sees one byte too many. */
#include "c_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/c.h"

static char failures[4096];

const char* c_failures(void) {
  static char given[sizeof failures];
  memcpy(given, failures, sizeof failures);
  failures[0] = 0;
  return given;
}

static void note(int line, const char* what, const char* detail) {
  const size_t used = strlen(failures);
  snprintf(failures + used, sizeof failures - used, "c_cases.c:%d: %s: %s\n", line, what, detail);
}

#define CHECK(condition)                                               \
  do {                                                                 \
    if (!(condition)) note(__LINE__, #condition, sluice_last_error()); \
  } while (0)
#define CHECK_OK(call)                                                   \
  do {                                                                   \
    if ((call) != SLUICE_OK) note(__LINE__, #call, sluice_last_error()); \
  } while (0)
/* The status, and a sentence of one line that names the function and holds these words. */
#define REFUSED(status, words, function, arguments)                                              \
  do {                                                                                           \
    if (function arguments != (status)) note(__LINE__, #function #arguments, "another status");  \
    if (strncmp(sluice_last_error(), #function ": ", sizeof #function + 1) != 0 ||               \
        strstr(sluice_last_error(), words) == NULL || strchr(sluice_last_error(), '\n') != NULL) \
      note(__LINE__, #function #arguments, sluice_last_error());                                 \
  } while (0)

static void* exactly(size_t size) {
  void* memory = malloc(size);
  if (memory == NULL) abort();
  return memory;
}

static sluice_model* load(const char* path) {
  sluice_model* model = NULL;
  CHECK_OK(sluice_model_load(path, &model));
  return model;
}

static sluice_stream* stream_on(const sluice_model* model) {
  sluice_stream* stream = NULL;
  CHECK_OK(sluice_stream_new(model, &stream));
  return stream;
}

/* A whole file; *size is its bytes. */
static unsigned char* read_whole(const char* path, size_t* size) {
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

static void streams_like_the_library(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  const size_t bytes = world->vocabulary * sizeof(float);
  float* probabilities = exactly(bytes);
  size_t count = 0;
  uint32_t token;
  sluice_model_free(model); /* its stream keeps it */
  for (token = 1; token <= 3; ++token) CHECK_OK(sluice_stream_step(stream, token));
  CHECK_OK(sluice_stream_probabilities(stream, NULL, 0, &count));
  CHECK(count == world->vocabulary);
  CHECK_OK(sluice_stream_probabilities(stream, probabilities, count, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  CHECK_OK(sluice_stream_reset(stream));
  for (token = 1; token <= 3; ++token) CHECK_OK(sluice_stream_step(stream, token));
  CHECK_OK(sluice_stream_probabilities(stream, probabilities, count, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  CHECK_OK(sluice_stream_step(stream, 3));
  CHECK_OK(sluice_stream_probabilities(stream, probabilities, count, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) != 0);
  free(probabilities);
  sluice_stream_free(stream);
}

static void top_is_sorted_and_whole(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  sluice_candidate* top = exactly((world->vocabulary + 5) * sizeof *top);
  sluice_candidate* two = exactly(2 * sizeof *two);
  size_t count = 0, i;
  for (i = 1; i <= 3; ++i) CHECK_OK(sluice_stream_step(stream, (uint32_t)i));
  CHECK_OK(sluice_stream_top(stream, top, world->vocabulary + 5, &count));
  CHECK(count == world->vocabulary);
  for (i = 0; i < count; ++i) {
    CHECK(top[i].probability == world->probabilities[top[i].token]);
    if (i > 0) CHECK(top[i - 1].probability >= top[i].probability);
  }
  CHECK_OK(sluice_stream_top(stream, two, 2, &count));
  CHECK(count == 2);
  CHECK(memcmp(two, top, 2 * sizeof *two) == 0);
  free(top);
  free(two);
  sluice_stream_free(stream);
  sluice_model_free(model);
}

static void looks_into_a_model(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_model_info info;
  char* text = exactly(strlen(world->token_1) + 1);
  size_t length = 0;
  uint32_t token = 99;
  memset(&info, 0xff, sizeof info);
  CHECK_OK(sluice_model_inspect(model, &info, sizeof info));
  CHECK(strcmp(info.cell, "lstm") == 0);
  CHECK(info.layers == 2 && info.hidden == 24 && info.vocabulary == world->vocabulary);
  CHECK(info.parameters == 24 * 7 + 2 * (4 * 24 * (24 + 24 + 1)) + 24 * 7 + 7);
  /* A program that was built when the info was shorter gets what it knows, and no byte beyond. */
  memset(&info, 0xff, sizeof info);
  CHECK_OK(sluice_model_inspect(model, &info, offsetof(sluice_model_info, hidden)));
  CHECK(info.layers == 2 && info.hidden == (size_t)-1);

  CHECK_OK(sluice_model_token_text(model, 1, NULL, 0, &length));
  CHECK(length == strlen(world->token_1));
  CHECK_OK(sluice_model_token_text(model, 1, text, length + 1, &length));
  CHECK(strcmp(text, world->token_1) == 0);
  CHECK_OK(sluice_model_find_token(model, text, length, &token));
  CHECK(token == 1);
  CHECK_OK(sluice_model_find_token(model, "nobody knows", 12, &token));
  CHECK(token == 0);
  free(text);
  sluice_model_free(model);
}

static void reads_text(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  float* probabilities = exactly(world->vocabulary * sizeof(float));
  size_t unknown = 99, count = 0;
  CHECK_OK(sluice_stream_feed_text(stream, "the river is", 12, &unknown));
  CHECK(unknown == 0);
  CHECK_OK(sluice_stream_probabilities(stream, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, world->vocabulary * sizeof(float)) == 0);
  CHECK_OK(sluice_stream_feed_text(stream, "green", 5, &unknown));
  CHECK(unknown == 1);
  CHECK_OK(sluice_stream_feed_text(stream, "the", 3, NULL));
  CHECK_OK(sluice_stream_feed_text(stream, "", 0, NULL));
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_feed_text, (NULL, "the", 3, NULL));
  REFUSED(SLUICE_USAGE, "a text, found NULL", sluice_stream_feed_text, (stream, NULL, 3, NULL));
  REFUSED(SLUICE_BAD_FILE, "UTF-8", sluice_stream_feed_text, (stream, "a\xff", 2, NULL));
  free(probabilities);
  sluice_stream_free(stream);
  sluice_model_free(model);
}

static void loads_only_model_files(const struct c_world* world) {
  sluice_model* model = (sluice_model*)&model;
  REFUSED(SLUICE_BAD_FILE, world->missing_path, sluice_model_load, (world->missing_path, &model));
  CHECK(model == NULL);
  REFUSED(SLUICE_BAD_FILE, "directory", sluice_model_load, ("/", &model));
  REFUSED(SLUICE_BAD_FILE, "none of that name", sluice_model_load, ("", &model));
  REFUSED(SLUICE_USAGE, "a path, found NULL", sluice_model_load, (NULL, &model));
  REFUSED(SLUICE_USAGE, "a place for the model", sluice_model_load, (world->model_path, NULL));
}

static void loads_from_memory_and_refuses_every_flipped_byte(const struct c_world* world) {
  size_t size = 0, at;
  unsigned char* bytes = read_whole(world->model_path, &size);
  sluice_model* model = NULL;
  sluice_model_info info;
  CHECK_OK(sluice_model_load_memory(bytes, size, &model));
  CHECK_OK(sluice_model_inspect(model, &info, sizeof info));
  CHECK(info.hidden == 24);
  sluice_model_free(model);
  for (at = 0; at < size; at += 1 + size / 40) { /* about forty of them */
    bytes[at] ^= 0x10;
    model = (sluice_model*)&model;
    REFUSED(SLUICE_BAD_FILE, "model in memory", sluice_model_load_memory, (bytes, size, &model));
    CHECK(model == NULL);
    bytes[at] ^= 0x10;
    /* And every length cut short, the rest of the memory gone. */
    {
      unsigned char* cut = exactly(at == 0 ? 1 : at);
      memcpy(cut, bytes, at);
      REFUSED(SLUICE_BAD_FILE, "model in memory", sluice_model_load_memory, (cut, at, &model));
      free(cut);
    }
  }
  REFUSED(SLUICE_USAGE, "the bytes of a model file, found NULL", sluice_model_load_memory, (NULL, size, &model));
  REFUSED(SLUICE_USAGE, "a place for the model", sluice_model_load_memory, (bytes, size, NULL));
  free(bytes);
}

static void refuses_wrong_arguments_of_models(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  const sluice_model* not_a_model = (const sluice_model*)(const void*)stream;
  sluice_model_info info;
  char* text = exactly(3);
  size_t length = 0;
  uint32_t token = 0;
  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_model_inspect, (NULL, &info, sizeof info));
  REFUSED(SLUICE_USAGE, "a model, found something else", sluice_model_inspect, (not_a_model, &info, sizeof info));
  REFUSED(SLUICE_USAGE, "a place for the info", sluice_model_inspect, (model, NULL, sizeof info));
  REFUSED(SLUICE_USAGE, "bytes, found 0", sluice_model_inspect, (model, &info, 0));
  REFUSED(SLUICE_USAGE, "bytes, found", sluice_model_inspect, (model, &info, sizeof info + 1));

  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_model_token_text, (NULL, 1, text, 3, &length));
  REFUSED(SLUICE_USAGE, "something else", sluice_model_token_text, (not_a_model, 1, text, 3, &length));
  REFUSED(SLUICE_USAGE, "below 7, found 7", sluice_model_token_text, (model, 7, text, 3, &length));
  REFUSED(SLUICE_USAGE, "below 7, found 4294967295", sluice_model_token_text, (model, UINT32_MAX, text, 3, &length));
  REFUSED(SLUICE_USAGE, "a buffer of 3 bytes, found NULL", sluice_model_token_text, (model, 1, NULL, 3, &length));
  REFUSED(SLUICE_USAGE, "room for 4 bytes, found 3", sluice_model_token_text, (model, 1, text, 3, &length));
  CHECK(length == 3);
  REFUSED(SLUICE_USAGE, "room for 4 bytes, found 0", sluice_model_token_text, (model, 1, text, 0, &length));
  REFUSED(SLUICE_USAGE, "a place for the length", sluice_model_token_text, (model, 1, text, 3, NULL));

  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_model_find_token, (NULL, "the", 3, &token));
  REFUSED(SLUICE_USAGE, "something else", sluice_model_find_token, (not_a_model, "the", 3, &token));
  REFUSED(SLUICE_USAGE, "a text, found NULL", sluice_model_find_token, (model, NULL, 3, &token));
  REFUSED(SLUICE_USAGE, "a place for the token", sluice_model_find_token, (model, "the", 3, NULL));
  sluice_model_free(NULL);
  sluice_model_free((sluice_model*)(void*)stream); /* not one: nothing is freed */
  CHECK_OK(sluice_stream_step(stream, 1));
  free(text);
  sluice_stream_free(stream);
  sluice_model_free(model);
}

static void refuses_wrong_arguments_of_streams(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_model* other = load(world->other_path);
  sluice_stream* stream = stream_on(model);
  sluice_stream* other_stream = stream_on(other);
  sluice_stream* not_a_stream = (sluice_stream*)(void*)model;
  sluice_stream* made = (sluice_stream*)&made;
  const size_t floats = world->vocabulary;
  float* buffer = exactly((floats - 1) * sizeof *buffer);
  sluice_candidate* candidates = exactly(2 * sizeof *candidates);
  size_t count = 0;
  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_stream_new, (NULL, &made));
  CHECK(made == NULL);
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_new, ((const sluice_model*)(const void*)stream, &made));
  REFUSED(SLUICE_USAGE, "a place for the stream", sluice_stream_new, (model, NULL));

  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_step, (NULL, 1));
  REFUSED(SLUICE_USAGE, "a stream, found something else", sluice_stream_step, (not_a_stream, 1));
  REFUSED(SLUICE_USAGE, "a token below 7, found 7", sluice_stream_step, (stream, 7));
  REFUSED(SLUICE_USAGE, "found 4294967295", sluice_stream_step, (stream, UINT32_MAX));

  REFUSED(SLUICE_USAGE, "found NULL", sluice_stream_probabilities, (NULL, buffer, floats - 1, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_probabilities, (not_a_stream, buffer, floats - 1, &count));
  REFUSED(SLUICE_USAGE, "room for 7 floats, found 6", sluice_stream_probabilities,
          (stream, buffer, floats - 1, &count));
  CHECK(count == floats);
  REFUSED(SLUICE_USAGE, "a buffer of 7 floats", sluice_stream_probabilities, (stream, NULL, floats, &count));
  REFUSED(SLUICE_USAGE, "a place for the count", sluice_stream_probabilities, (stream, buffer, floats - 1, NULL));

  REFUSED(SLUICE_USAGE, "found NULL", sluice_stream_top, (NULL, candidates, 2, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_top, (not_a_stream, candidates, 2, &count));
  REFUSED(SLUICE_USAGE, "room for candidates", sluice_stream_top, (stream, NULL, 2, &count));
  REFUSED(SLUICE_USAGE, "at least 1 candidate", sluice_stream_top, (stream, candidates, 0, &count));
  REFUSED(SLUICE_USAGE, "a place for the count", sluice_stream_top, (stream, candidates, 2, NULL));

  REFUSED(SLUICE_USAGE, "found NULL", sluice_stream_reset, (NULL));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_reset, (not_a_stream));
  REFUSED(SLUICE_USAGE, "found NULL", sluice_stream_copy_state, (NULL, stream));
  REFUSED(SLUICE_USAGE, "found NULL", sluice_stream_copy_state, (stream, NULL));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_copy_state, (stream, not_a_stream));
  REFUSED(SLUICE_USAGE, "24 units", sluice_stream_copy_state, (stream, other_stream));
  sluice_stream_free(NULL);
  sluice_stream_free(not_a_stream); /* not one: nothing is freed */
  CHECK_OK(sluice_stream_step(stream, 1));
  free(buffer);
  free(candidates);
  sluice_stream_free(stream);
  sluice_stream_free(other_stream);
  sluice_model_free(model);
  sluice_model_free(other);
}

static void a_copied_state_goes_on_with_the_same_bits(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  sluice_stream* fork = stream_on(model);
  const size_t bytes = world->vocabulary * sizeof(float);
  float* probabilities = exactly(bytes);
  size_t count = 0;
  CHECK_OK(sluice_stream_step(stream, 1));
  CHECK_OK(sluice_stream_step(stream, 2));
  CHECK_OK(sluice_stream_copy_state(fork, stream));
  CHECK_OK(sluice_stream_step(stream, 6));
  CHECK_OK(sluice_stream_step(fork, 3));
  CHECK_OK(sluice_stream_probabilities(fork, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  free(probabilities);
  sluice_stream_free(stream);
  sluice_stream_free(fork);
  sluice_model_free(model);
}

static void a_sentence_stays_within_its_room(const struct c_world* world) {
  sluice_model* model = NULL;
  char path[2001];
  size_t i;
  (void)world;
  for (i = 0; i + 2 < sizeof path; i += 2) memcpy(path + i, "\xc3\xa9", 2); /* two bytes a letter */
  path[sizeof path - 1] = 0;
  CHECK(sluice_model_load(path, &model) == SLUICE_BAD_FILE);
  CHECK(strlen(sluice_last_error()) >= 510 && strlen(sluice_last_error()) <= 511);
  CHECK(sluice_last_error()[strlen(sluice_last_error()) - 1] == '\xa9'); /* no half letter */
  CHECK(strcmp(sluice_version(), "0.1.0") == 0);
}

#define CASE(name) \
  { #name, name }
const struct c_case c_cases[] = {
    CASE(streams_like_the_library),
    CASE(top_is_sorted_and_whole),
    CASE(looks_into_a_model),
    CASE(reads_text),
    CASE(loads_only_model_files),
    CASE(loads_from_memory_and_refuses_every_flipped_byte),
    CASE(refuses_wrong_arguments_of_models),
    CASE(refuses_wrong_arguments_of_streams),
    CASE(a_copied_state_goes_on_with_the_same_bits),
    CASE(a_sentence_stays_within_its_room),
};
const size_t c_case_count = sizeof c_cases / sizeof c_cases[0];
