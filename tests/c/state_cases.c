/* States, copied and as bytes. */
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
