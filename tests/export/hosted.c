/* A machine with a C library, for the sanitizers. */
#include <stdio.h>

#include "machine.h"

void put_text(const char* text) { fputs(text, stdout); }

uint32_t ticks(void) { return 0; }

int main(void) {
  run();
  return 0;
}
