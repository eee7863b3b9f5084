/* Streams of tokens and of numbers. */
#include <stdlib.h>
#include <string.h>

#include "c_checks.h"

void streams_like_the_library(const struct c_world* world) {
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

void top_is_sorted_and_whole(const struct c_world* world) {
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

void streams_with_less_precision(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* exact = stream_on(model);
  float* probabilities = exactly(world->vocabulary * sizeof(float));
  sluice_precision precision;
  size_t count = 0, i;
  uint32_t token;
  for (precision = SLUICE_BF16; precision <= SLUICE_INT8; ++precision) {
    sluice_stream* stream;
    float most = 0;
    CHECK_OK(sluice_model_set_precision(model, precision));
    stream = stream_on(model);
    for (token = 1; token <= 3; ++token) CHECK_OK(sluice_stream_step(stream, token));
    CHECK_OK(sluice_stream_probabilities(stream, probabilities, world->vocabulary, &count));
    for (i = 0; i < count; ++i) {
      const float off = probabilities[i] - world->probabilities[i];
      if (off > most) most = off;
    }
    CHECK(most > 0 && most < 0.01f);
    sluice_stream_free(stream);
  }
  for (token = 1; token <= 3; ++token) CHECK_OK(sluice_stream_step(exact, token)); /* made before: as it was */
  CHECK_OK(sluice_stream_probabilities(exact, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, world->vocabulary * sizeof(float)) == 0);
  REFUSED(SLUICE_USAGE, "a precision from 0 to 2, found 3", sluice_model_set_precision, (model, (sluice_precision)3));
  REFUSED(SLUICE_USAGE, "a model", sluice_model_set_precision, (NULL, SLUICE_F32));
  free(probabilities);
  sluice_stream_free(exact);
  sluice_model_free(model);
}

/* Wherever the stream is. Token 6 is the line end. */
static void begins_after_a_line_end(sluice_stream* stream, size_t vocabulary) {
  float* expected = exactly(vocabulary * sizeof(float));
  float* found = exactly(vocabulary * sizeof(float));
  size_t count = 0;
  CHECK_OK(sluice_stream_reset(stream));
  CHECK_OK(sluice_stream_step(stream, 6));
  CHECK_OK(sluice_stream_probabilities(stream, expected, vocabulary, &count));
  CHECK_OK(sluice_stream_step(stream, 1));
  CHECK_OK(sluice_stream_begin(stream));
  CHECK_OK(sluice_stream_probabilities(stream, found, vocabulary, &count));
  CHECK(memcmp(found, expected, vocabulary * sizeof(float)) == 0);
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_begin, (NULL));
  free(expected);
  free(found);
}

void reads_text(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  float* probabilities = exactly(world->vocabulary * sizeof(float));
  size_t unknown = 99, count = 0;
  CHECK_OK(sluice_stream_feed_text(stream, "the river is", 12, &unknown));
  CHECK(unknown == 0);
  CHECK_OK(sluice_stream_probabilities(stream, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, world->vocabulary * sizeof(float)) == 0);
  begins_after_a_line_end(stream, world->vocabulary);
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

void refuses_wrong_arguments_of_streams(const struct c_world* world) {
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

void streams_numbers_like_the_library(const struct c_world* world) {
  sluice_model* model = load(world->numbers_path);
  sluice_stream* stream = stream_on(model);
  sluice_model_info info;
  float* x = exactly(15 * sizeof *x);
  float* y = exactly(10 * sizeof *y);
  size_t count = 0, t;
  memcpy(x, world->x, 15 * sizeof *x);
  CHECK_OK(sluice_model_inspect(model, &info, sizeof info));
  CHECK(info.inputs == 3 && info.outputs == 2 && info.vocabulary == 0);
  for (t = 0; t < 5; ++t) {
    CHECK_OK(sluice_stream_step_numbers(stream, x + 3 * t, 3));
    CHECK_OK(sluice_stream_output(stream, y + 2 * t, 2, &count));
    CHECK(count == 2);
  }
  CHECK(memcmp(y, world->y, 10 * sizeof *y) == 0);
  /* In chunks. */
  CHECK_OK(sluice_stream_reset(stream));
  memset(y, 0, 10 * sizeof *y);
  CHECK_OK(sluice_stream_feed_numbers(stream, x, 6, y, 4));
  CHECK_OK(sluice_stream_feed_numbers(stream, NULL, 0, NULL, 0));
  CHECK_OK(sluice_stream_feed_numbers(stream, x + 6, 9, y + 4, 6));
  CHECK(memcmp(y, world->y, 10 * sizeof *y) == 0);

  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_step_numbers, (NULL, x, 3));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_step_numbers, ((sluice_stream*)(void*)model, x, 3));
  REFUSED(SLUICE_USAGE, "numbers, found NULL", sluice_stream_step_numbers, (stream, NULL, 3));
  REFUSED(SLUICE_USAGE, "3 numbers, found 2", sluice_stream_step_numbers, (stream, x, 2));
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_feed_numbers, (NULL, x, 3, y, 2));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_feed_numbers, ((sluice_stream*)(void*)model, x, 3, y, 2));
  REFUSED(SLUICE_USAGE, "rows of 3 numbers, found 4", sluice_stream_feed_numbers, (stream, x, 4, y, 2));
  REFUSED(SLUICE_USAGE, "numbers, found NULL", sluice_stream_feed_numbers, (stream, NULL, 3, y, 2));
  REFUSED(SLUICE_USAGE, "floats, found NULL", sluice_stream_feed_numbers, (stream, x, 3, NULL, 2));
  REFUSED(SLUICE_USAGE, "room for 4 floats, found 3", sluice_stream_feed_numbers, (stream, x, 6, y, 3));
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_output, (NULL, y, 2, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_output, ((sluice_stream*)(void*)model, y, 2, &count));
  REFUSED(SLUICE_USAGE, "room for 2 floats, found 1", sluice_stream_output, (stream, y, 1, &count));
  REFUSED(SLUICE_USAGE, "2 floats, found NULL", sluice_stream_output, (stream, NULL, 2, &count));
  REFUSED(SLUICE_USAGE, "a place for the count", sluice_stream_output, (stream, y, 2, NULL));
  free(x);
  free(y);
  sluice_stream_free(stream);
  sluice_model_free(model);
}

/* Each kind of model refuses what is for the other. */
void the_two_kinds_of_model_are_told_apart(const struct c_world* world) {
  sluice_model* text = load(world->model_path);
  sluice_model* numbers = load(world->numbers_path);
  sluice_stream* of_text = stream_on(text);
  sluice_stream* of_numbers = stream_on(numbers);
  sluice_batch *texts = NULL, *series = NULL;
  sluice_candidate candidate;
  const uint32_t tokens[2] = {1, 2};
  float x[6] = {0};
  size_t count = 0;
  CHECK_OK(sluice_batch_new(text, 2, &texts));
  CHECK_OK(sluice_batch_new(numbers, 2, &series));
  REFUSED(SLUICE_USAGE, "found one of text", sluice_stream_step_numbers, (of_text, x, 3));
  REFUSED(SLUICE_USAGE, "found one of text", sluice_stream_feed_numbers, (of_text, x, 3, x, 2));
  REFUSED(SLUICE_USAGE, "does not predict tokens", sluice_stream_output, (of_text, x, 6, &count));
  REFUSED(SLUICE_USAGE, "found one on numbers", sluice_stream_step, (of_numbers, 1));
  REFUSED(SLUICE_USAGE, "found one on numbers", sluice_stream_begin, (of_numbers));
  REFUSED(SLUICE_USAGE, "found one on numbers", sluice_stream_feed, (of_numbers, tokens, 2));
  REFUSED(SLUICE_USAGE, "found one of numbers", sluice_stream_feed_text, (of_numbers, "the", 3, NULL));
  REFUSED(SLUICE_USAGE, "tokens or classes", sluice_stream_probabilities, (of_numbers, x, 6, &count));
  REFUSED(SLUICE_USAGE, "tokens or classes", sluice_stream_top, (of_numbers, &candidate, 1, &count));
  REFUSED(SLUICE_USAGE, "found one of text", sluice_batch_step_numbers, (texts, x, 6));
  REFUSED(SLUICE_USAGE, "does not predict tokens", sluice_batch_output, (texts, 0, x, 6, &count));
  REFUSED(SLUICE_USAGE, "found one on numbers", sluice_batch_step, (series, tokens, 2));
  REFUSED(SLUICE_USAGE, "tokens or classes", sluice_batch_probabilities, (series, 0, x, 6, &count));
  REFUSED(SLUICE_USAGE, "tokens or classes", sluice_batch_top, (series, 0, &candidate, 1, &count));
  REFUSED(SLUICE_USAGE, "found 2 layers", sluice_stream_copy_state, (of_numbers, of_text));
  sluice_batch_free(texts);
  sluice_batch_free(series);
  sluice_stream_free(of_text);
  sluice_stream_free(of_numbers);
  sluice_model_free(text);
  sluice_model_free(numbers);
}

void tokens_are_fed_all_or_not_at_all(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  const size_t bytes = world->vocabulary * sizeof(float);
  float* probabilities = exactly(bytes);
  uint32_t* tokens = exactly(3 * sizeof *tokens);
  size_t count = 0;
  tokens[0] = 1, tokens[1] = 2, tokens[2] = 7;
  REFUSED(SLUICE_USAGE, "below 7, found 7", sluice_stream_feed, (stream, tokens, 3));
  REFUSED(SLUICE_USAGE, "tokens, found NULL", sluice_stream_feed, (stream, NULL, 3));
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_feed, (NULL, tokens, 3));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_feed, ((sluice_stream*)(void*)model, tokens, 3));
  tokens[2] = 3;
  CHECK_OK(sluice_stream_feed(stream, NULL, 0));
  CHECK_OK(sluice_stream_feed(stream, tokens, 3));
  CHECK_OK(sluice_stream_probabilities(stream, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  free(probabilities);
  free(tokens);
  sluice_stream_free(stream);
  sluice_model_free(model);
}
