/* States, copied and as bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "c_checks.h"

void a_copied_state_goes_on_with_the_same_bits(const struct c_world* world) {
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

void a_state_goes_through_bytes(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_model* other = load(world->other_path);
  sluice_stream* stream = stream_on(model);
  sluice_stream* later = stream_on(model);
  sluice_stream* of_other = stream_on(other);
  const size_t bytes = world->vocabulary * sizeof(float);
  float* probabilities = exactly(bytes);
  unsigned char* state;
  size_t size = 0, count = 0, at;
  CHECK_OK(sluice_stream_step(stream, 1));
  CHECK_OK(sluice_stream_step(stream, 2));
  CHECK_OK(sluice_stream_save_state(stream, NULL, 0, &size));
  CHECK(size == 48 + 2 * 16 + 4 * 2 * 2 * 24);
  state = exactly(size);
  REFUSED(SLUICE_USAGE, "room for 464 bytes, found 463", sluice_stream_save_state, (stream, state, size - 1, &size));
  CHECK(size == 464);
  REFUSED(SLUICE_USAGE, "464 bytes, found NULL", sluice_stream_save_state, (stream, NULL, size, &size));
  REFUSED(SLUICE_USAGE, "a place for the size", sluice_stream_save_state, (stream, state, size, NULL));
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_save_state, (NULL, state, size, &size));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_save_state, ((sluice_stream*)(void*)model, state, size, &size));
  size = 464;
  CHECK_OK(sluice_stream_save_state(stream, state, size, &size));
  CHECK_OK(sluice_stream_load_state(later, state, size));

  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_load_state, (NULL, state, size));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_load_state, ((sluice_stream*)(void*)model, state, size));
  REFUSED(SLUICE_USAGE, "the bytes of a state, found NULL", sluice_stream_load_state, (later, NULL, size));
  REFUSED(SLUICE_USAGE, "8 units", sluice_stream_load_state, (of_other, state, size));
  REFUSED(SLUICE_USAGE, "8 units", sluice_stream_load_any_state, (of_other, state, size));
  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_load_any_state, (NULL, state, size));
  REFUSED(SLUICE_USAGE, "the bytes of a state, found NULL", sluice_stream_load_any_state, (later, NULL, size));
  CHECK_OK(sluice_stream_load_any_state(later, state, size));
  for (at = 0; at < size; ++at) { /* every bit of it is guarded, and every byte of its length */
    unsigned char* cut = exactly(at == 0 ? 1 : at);
    state[at] = (unsigned char)(state[at] ^ 1u << at % 8);
    REFUSED(SLUICE_BAD_FILE, "expected", sluice_stream_load_state, (later, state, size));
    state[at] = (unsigned char)(state[at] ^ 1u << at % 8);
    memcpy(cut, state, at);
    REFUSED(SLUICE_BAD_FILE, "expected", sluice_stream_load_state, (later, cut, at));
    free(cut);
  }
  /* And none of that has moved it. */
  CHECK_OK(sluice_stream_step(later, 3));
  CHECK_OK(sluice_stream_probabilities(later, probabilities, world->vocabulary, &count));
  CHECK(memcmp(probabilities, world->probabilities, bytes) == 0);
  free(probabilities);
  free(state);
  sluice_stream_free(stream);
  sluice_stream_free(later);
  sluice_stream_free(of_other);
  sluice_model_free(model);
  sluice_model_free(other);
}

/* In a stream a step of NaN stays until it is reset or goes back to a stream that was kept; in a batch it stays in its
 * own stream. */
void a_nan_is_noticed_and_recovered_from(const struct c_world* world) {
  sluice_model* numbers = load(world->numbers_path);
  sluice_stream* stream = stream_on(numbers);
  sluice_stream* kept = stream_on(numbers);
  sluice_batch* batch = NULL;
  float x[6] = {0.5f, -1, 2, 0.5f, -1, 2}, before[2], after[2];
  size_t count = 0;
  int finite = -1;
  CHECK_OK(sluice_stream_step_numbers(stream, x, 3));
  CHECK_OK(sluice_stream_copy_state(kept, stream));
  CHECK_OK(sluice_stream_step_numbers(stream, x, 3));
  CHECK_OK(sluice_stream_output(stream, before, 2, &count));
  CHECK_OK(sluice_stream_finite(stream, &finite));
  CHECK(finite == 1);
  x[1] = NAN;
  CHECK_OK(sluice_stream_step_numbers(stream, x, 3));
  CHECK_OK(sluice_batch_new(numbers, 2, &batch));
  CHECK_OK(sluice_batch_step_numbers(batch, x, 6));
  x[1] = -1;
  CHECK_OK(sluice_stream_step_numbers(stream, x, 3));
  CHECK_OK(sluice_stream_finite(stream, &finite));
  CHECK(finite == 0);
  CHECK_OK(sluice_batch_finite(batch, 0, &finite));
  CHECK(finite == 0);
  CHECK_OK(sluice_batch_finite(batch, 1, &finite));
  CHECK(finite == 1);
  CHECK_OK(sluice_stream_copy_state(stream, kept));
  CHECK_OK(sluice_stream_finite(stream, &finite));
  CHECK(finite == 1); /* at once, and not after another step */
  CHECK_OK(sluice_stream_step_numbers(stream, x, 3));
  CHECK_OK(sluice_stream_output(stream, after, 2, &count));
  CHECK(memcmp(before, after, sizeof after) == 0);
  x[1] = NAN;
  CHECK_OK(sluice_stream_step_numbers(stream, x, 3));
  CHECK_OK(sluice_stream_reset(stream));
  CHECK_OK(sluice_stream_finite(stream, &finite));
  CHECK(finite == 1);
  x[1] = -1;
  CHECK_OK(sluice_batch_reset(batch, 0));
  CHECK_OK(sluice_batch_finite(batch, 0, &finite));
  CHECK(finite == 1);
  CHECK_OK(sluice_batch_step_numbers(batch, x, 6));
  CHECK_OK(sluice_batch_finite(batch, 0, &finite));
  CHECK(finite == 1);

  REFUSED(SLUICE_USAGE, "a stream, found NULL", sluice_stream_finite, (NULL, &finite));
  REFUSED(SLUICE_USAGE, "something else", sluice_stream_finite, ((sluice_stream*)(void*)batch, &finite));
  REFUSED(SLUICE_USAGE, "a place for the answer", sluice_stream_finite, (stream, NULL));
  REFUSED(SLUICE_USAGE, "a batch, found NULL", sluice_batch_finite, (NULL, 0, &finite));
  REFUSED(SLUICE_USAGE, "something else", sluice_batch_finite, ((sluice_batch*)(void*)stream, 0, &finite));
  REFUSED(SLUICE_USAGE, "a stream below 2, found 2", sluice_batch_finite, (batch, 2, &finite));
  REFUSED(SLUICE_USAGE, "a place for the answer", sluice_batch_finite, (batch, 0, NULL));
  sluice_batch_free(batch);
  sluice_stream_free(kept);
  sluice_stream_free(stream);
  sluice_model_free(numbers);
}
