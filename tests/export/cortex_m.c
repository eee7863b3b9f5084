/* A bare Arm Cortex-M: the vector table, the start, and a way out through the debugger (semihosting, which QEMU offers
   as well). */
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

extern uint32_t stack_top[], bss_begin[], bss_end[];

static int semihosting(int operation, const void* argument) {
  register int r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void put_text(const char* text) { semihosting(0x04 /* SYS_WRITE0 */, text); }

/* SysTick, which counts down. QEMU's -icount shift=0 takes a nanosecond for an instruction, and these machines' clock
   ticks every 40. */
#define SYST_CSR (*(volatile uint32_t*)0xe000e010)
#define SYST_RVR (*(volatile uint32_t*)0xe000e014)
#define SYST_CVR (*(volatile uint32_t*)0xe000e018)
uint32_t ticks(void) { return 0xffffff - SYST_CVR; }

static void leave(void) {
  semihosting(0x18 /* SYS_EXIT */, (const void*)0x20026 /* ADP_Stopped_ApplicationExit */);
  for (;;) {
  }
}

static void fault(void) {
  put_text("fault\n");
  leave();
}

void start(void);
void start(void) {
  volatile uint32_t* word;
#if defined(__ARM_FP)
  *(volatile uint32_t*)0xe000ed88 |= 0xf << 20; /* CPACR: coprocessors 10 and 11, the floating-point unit */
  __asm__ volatile("dsb\n isb");
#endif
  for (word = bss_begin; word < bss_end; ++word) *word = 0;
  SYST_RVR = 0xffffff;
  SYST_CVR = 0;
  SYST_CSR = 5;
  run();
  leave();
}

typedef struct {
  uint32_t* stack;
  void (*handlers[15])(void);
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    stack_top, {start, fault, fault, fault, fault, fault}};
