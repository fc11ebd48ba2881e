// program_clock - the wall clock of a real program, set by the test. See clock_shim.c.
//
// Thread: one owner, and nobody else reads the environment meanwhile.

#ifndef TESTS_SUPPORT_PROGRAM_CLOCK_H
#define TESTS_SUPPORT_PROGRAM_CLOCK_H

#include <stdint.h>

// The clock in the file DIR/NAME.clock is so far from the true one, from this moment on.
void program_clock_set(const char *dir, const char *name, int64_t offset_ms);
// What is started until the next call has the clock DIR/NAME.clock; NULL: the true one.
void program_clock_preload(const char *library, const char *dir, const char *name);

#endif
