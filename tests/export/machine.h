/* What main.c needs of a machine without a C library, and the machine of it. */
#ifndef MACHINE_H
#define MACHINE_H

void put_text(const char* text);
void run(void);

#endif
