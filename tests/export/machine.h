/* What main.c needs of a machine without a C library, and the machine of it. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

enum { TICK = 40 };

void put_text(const char* text);
uint32_t ticks(void); /* of TICK instructions, modulo 2^24; always 0 where nobody counts */
void run(void);

#endif
