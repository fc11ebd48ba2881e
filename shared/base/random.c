// random - numbers nobody can guess: getrandom(2).

#include "shared/base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t
random_u64(void)
{
    uint64_t v = 0;

    while (v == 0) {
        ssize_t n = getrandom(&v, sizeof v, 0); // up to 256 bytes come whole

        if (n == (ssize_t) sizeof v || (n < 0 && errno == EINTR))
            continue;
        perror("getrandom");
        abort();
    }
    return v;
}
