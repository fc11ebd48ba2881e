// exactly - bytes in memory that ends where they end.

#ifndef TESTS_SUPPORT_EXACTLY_H
#define TESTS_SUPPORT_EXACTLY_H

#include <string.h>

#include "shared/base/xalloc.h"

// A copy of exactly n bytes, so that a sanitizer sees a read past its end; the caller's.
static inline char *
exactly(const void *at, size_t n)
{
    char *copy = xmalloc(n > 0 ? n : 1);

    if (n > 0)
        memcpy(copy, at, n);
    return copy;
}

#endif
