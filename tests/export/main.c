/* Runs what an exported model knows of the engine and prints five hexadecimal words: how far this machine is from it
   (two errors as the bits of a float, how often both found the same likeliest), and the instructions of a step and of
   the outputs. Compiled beside model.c, for every machine of the test. */
#include "machine.h"
#include "model.h"

static model_state state;
static model_work work;
static float outputs[MODEL_OUTPUTS];

static void put_word(uint32_t word) {
  char text[10];
  int i;
  for (i = 0; i < 8; ++i) text[i] = "0123456789abcdef"[word >> (28 - 4 * i) & 15];
  text[8] = ' ';
  text[9] = 0;
  put_text(text);
}

static uint32_t bits(float value) {
  union {
    float f;
    uint32_t i;
  } word;
  word.f = value;
  return word.i;
}

/* A mean over some of them. */
static uint32_t instructions(int of_outputs) {
  enum { RUNS = 64 };
  const uint32_t before = ticks();
  uint32_t i;
  for (i = 0; i < RUNS; ++i) {
    if (of_outputs) {
      model_outputs(&state, &work, outputs);
    } else {
#ifdef READS_NUMBERS
      static const float x[MODEL_INPUTS] = {0.5f};
      model_step(&state, &work, x);
#else
      model_step(&state, &work, i % MODEL_VOCABULARY);
#endif
    }
  }
  return ((ticks() - before) & 0xffffff) * TICK / RUNS;
}

void run(void) {
  model_error error;
  model_check(&state, &work, outputs, &error);
  put_word(bits(error.state));
  put_word(bits(error.outputs));
  put_word(error.same);
  put_word(instructions(0));
  put_word(instructions(1));
  put_text("\n");
}
