/* Runs what an exported model knows of the engine and prints how far this machine is from it: three numbers as
   hexadecimal words, the two errors as the bits of a float. Compiled beside model.c, for every machine of the test. */
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

void run(void) {
  model_error error;
  model_check(&state, &work, outputs, &error);
  put_word(bits(error.state));
  put_word(bits(error.outputs));
  put_word(error.same);
  put_text("\n");
}
