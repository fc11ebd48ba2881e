// random - numbers nobody can guess: getrandom(2).

#ifndef SHARED_BASE_RANDOM_H
#define SHARED_BASE_RANDOM_H

#include <stdint.h>

// Never 0.
uint64_t random_u64(void);

#endif
