/* The same as stream.cc, in C. */
#include <sluice/c.h>
#include <stdio.h>
#include <stdlib.h>

static int give_up(void) {
  fprintf(stderr, "%s\n", sluice_last_error());
  return 1;
}

int main(int argc, char** argv) {
  sluice_model* model = NULL;
  sluice_stream* stream = NULL;
  float* probabilities;
  size_t count = 0, i;
  if (argc != 2) return 2;
  if (sluice_model_load(argv[1], &model) || sluice_stream_new(model, &stream)) return give_up();
  for (i = 1; i <= 3; ++i) {
    if (sluice_stream_step(stream, (uint32_t)i)) return give_up();
  }
  if (sluice_stream_probabilities(stream, NULL, 0, &count)) return give_up();
  probabilities = malloc(count * sizeof *probabilities);
  if (probabilities == NULL || sluice_stream_probabilities(stream, probabilities, count, &count)) return give_up();
  for (i = 0; i < count; ++i) printf("%a\n", (double)probabilities[i]);
  free(probabilities);
  sluice_stream_free(stream);
  sluice_model_free(model);
  return 0;
}
