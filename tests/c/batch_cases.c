/* Many streams that step together. */
#include <stdlib.h>
#include <string.h>

#include "c_checks.h"

void a_batch_has_the_bits_of_its_streams(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_model* numbers = load(world->numbers_path);
  sluice_stream* alone = stream_on(model);
  sluice_batch* batch = NULL;
  const size_t bytes = world->vocabulary * sizeof(float);
  float* probabilities = exactly(bytes);
  float* x = exactly(6 * sizeof *x);
  float y[2];
  uint32_t* tokens = exactly(3 * sizeof *tokens);
  unsigned char* state = exactly(464);
  sluice_candidate best[2], best_alone[2];
  size_t count = 0, size = 0, t;
  CHECK_OK(sluice_batch_new(model, 3, &batch));
  sluice_model_free(model);  /* its batch keeps it */
  for (t = 1; t <= 3; ++t) { /* stream 1 reads 1, 2, 3 between two others */
    tokens[0] = 6, tokens[1] = (uint32_t)t, tokens[2] = (uint32_t)(6 - t);
    CHECK_OK(sluice_batch_step(batch, tokens, 3));
  }
  CHECK_OK(sluice_batch_probabilities(batch, 1, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  CHECK_OK(sluice_batch_probabilities(batch, 2, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) != 0);

  /* A stream of it moves out, and in again at another place. */
  CHECK_OK(sluice_batch_save_state(batch, 1, NULL, 0, &size));
  CHECK(size == 464);
  CHECK_OK(sluice_batch_save_state(batch, 1, state, 464, &size));
  CHECK_OK(sluice_stream_load_state(alone, state, size));
  CHECK_OK(sluice_batch_load_state(batch, 0, state, size));
  CHECK_OK(sluice_batch_reset(batch, 2));
  tokens[0] = 4, tokens[1] = 4, tokens[2] = 1;
  CHECK_OK(sluice_batch_step(batch, tokens, 3));
  CHECK_OK(sluice_stream_step(alone, 4));
  CHECK_OK(sluice_stream_top(alone, best_alone, 2, &count));
  CHECK_OK(sluice_batch_top(batch, 0, best, 2, &count));
  CHECK(count == 2 && memcmp(best, best_alone, sizeof best) == 0);
  CHECK_OK(sluice_batch_top(batch, 1, best, 2, &count));
  CHECK(memcmp(best, best_alone, sizeof best) == 0);
  tokens[2] = 2;
  CHECK_OK(sluice_batch_step(batch, tokens, 3));
  tokens[2] = 3;
  CHECK_OK(sluice_batch_step(batch, tokens, 3));
  CHECK_OK(sluice_batch_probabilities(batch, 2, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  sluice_batch_free(batch);

  CHECK_OK(sluice_batch_new(numbers, 2, &batch));
  for (t = 0; t < 5; ++t) {
    memcpy(x, world->x, 3 * sizeof *x);
    memcpy(x + 3, world->x + 3 * t, 3 * sizeof *x);
    CHECK_OK(sluice_batch_step_numbers(batch, x, 6));
    CHECK_OK(sluice_batch_output(batch, 1, y, 2, &count));
    CHECK(memcmp(y, world->y + 2 * t, sizeof y) == 0);
  }
  sluice_batch_free(batch);
  free(probabilities);
  free(x);
  free(tokens);
  free(state);
  sluice_stream_free(alone);
  sluice_model_free(numbers);
}

void refuses_wrong_arguments_of_batches(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_model* numbers = load(world->numbers_path);
  sluice_batch* batch = NULL;
  sluice_batch* series = NULL;
  sluice_batch* made = (sluice_batch*)&made;
  sluice_batch* not_a_batch = (sluice_batch*)(void*)model;
  float* buffer = exactly(6 * sizeof *buffer);
  uint32_t* tokens = exactly(2 * sizeof *tokens);
  unsigned char* state = exactly(464);
  sluice_candidate best;
  size_t count = 0;
  tokens[0] = 1, tokens[1] = 7;
  memset(buffer, 0, 6 * sizeof *buffer);
  CHECK_OK(sluice_batch_new(model, 2, &batch));
  CHECK_OK(sluice_batch_new(numbers, 2, &series));
  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_batch_new, (NULL, 2, &made));
  CHECK(made == NULL);
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_new, ((sluice_model*)(void*)batch, 2, &made));
  REFUSED(SLUICE_USAGE, "found 0", sluice_batch_new, (model, 0, &made));
  REFUSED(SLUICE_USAGE, "found 18446744073709551615", sluice_batch_new, (model, (size_t)-1, &made));
  REFUSED(SLUICE_USAGE, "from 1 to 16777216", sluice_batch_new, (model, ((size_t)1 << 24) + 1, &made));
  REFUSED(SLUICE_USAGE, "a place for the batch", sluice_batch_new, (model, 2, NULL));

  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_step, (NULL, tokens, 2));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_step, (not_a_batch, tokens, 2));
  REFUSED(SLUICE_USAGE, "tokens, found NULL", sluice_batch_step, (batch, NULL, 2));
  REFUSED(SLUICE_USAGE, "2 tokens, found 1", sluice_batch_step, (batch, tokens, 1));
  REFUSED(SLUICE_USAGE, "below 7, found 7", sluice_batch_step, (batch, tokens, 2));
  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_step_numbers, (NULL, buffer, 6));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_step_numbers, (not_a_batch, buffer, 6));
  REFUSED(SLUICE_USAGE, "numbers, found NULL", sluice_batch_step_numbers, (series, NULL, 6));
  REFUSED(SLUICE_USAGE, "6 numbers, found 5", sluice_batch_step_numbers, (series, buffer, 5));

  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_probabilities, (NULL, 0, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_probabilities, (not_a_batch, 0, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "a stream below 2, found 2", sluice_batch_probabilities, (batch, 2, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "room for 7 floats, found 6", sluice_batch_probabilities, (batch, 0, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "a place for the count", sluice_batch_probabilities, (batch, 0, buffer, 6, NULL));
  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_output, (NULL, 0, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_output, (not_a_batch, 0, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "a stream below 2, found 2", sluice_batch_output, (series, 2, buffer, 6, &count));
  REFUSED(SLUICE_USAGE, "room for 2 floats, found 1", sluice_batch_output, (series, 0, buffer, 1, &count));
  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_top, (NULL, 0, &best, 1, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_top, (not_a_batch, 0, &best, 1, &count));
  REFUSED(SLUICE_USAGE, "a stream below 2", sluice_batch_top, (batch, (size_t)-1, &best, 1, &count));
  REFUSED(SLUICE_USAGE, "room for candidates", sluice_batch_top, (batch, 0, NULL, 1, &count));

  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_reset, (NULL, 0));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_reset, (not_a_batch, 0));
  REFUSED(SLUICE_USAGE, "a stream below 2", sluice_batch_reset, (batch, 2));
  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_save_state, (NULL, 0, state, 464, &count));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_save_state, (not_a_batch, 0, state, 464, &count));
  REFUSED(SLUICE_USAGE, "a stream below 2", sluice_batch_save_state, (batch, 2, state, 464, &count));
  REFUSED(SLUICE_USAGE, "room for 464 bytes", sluice_batch_save_state, (batch, 0, state, 463, &count));
  CHECK_OK(sluice_batch_save_state(batch, 0, state, 464, &count));
  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_load_state, (NULL, 0, state, 464));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_load_state, (not_a_batch, 0, state, 464));
  REFUSED(SLUICE_USAGE, "a stream below 2", sluice_batch_load_state, (batch, 2, state, 464));
  REFUSED(SLUICE_USAGE, "the bytes of a state", sluice_batch_load_state, (batch, 0, NULL, 464));
  REFUSED(SLUICE_BAD_FILE, "expected", sluice_batch_load_state, (batch, 0, state, 463));
  REFUSED(SLUICE_USAGE, "12 units", sluice_batch_load_state, (series, 0, state, 464));
  sluice_batch_free(NULL);
  sluice_batch_free(not_a_batch); /* not one: nothing is freed */
  free(buffer);
  free(tokens);
  free(state);
  sluice_batch_free(batch);
  sluice_batch_free(series);
  sluice_model_free(model);
  sluice_model_free(numbers);
}
