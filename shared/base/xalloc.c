// xalloc - memory, or the end of the process.

#include "shared/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *s_or_die(void *at, size_t n, size_t size);

void *
xmalloc(size_t size)
{
    // One byte at least: malloc(0) may give NULL, which here would mean failure.
    return s_or_die(malloc(size > 0 ? size : 1), 1, size);
}

void *
xcalloc(size_t n, size_t size)
{
    return s_or_die(calloc(n > 0 ? n : 1, size > 0 ? size : 1), n, size);
}

void *
xrealloc(void *at, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return s_or_die(NULL, n, size);
    return s_or_die(realloc(at, bytes > 0 ? bytes : 1), n, size);
}

char *
xstrdup(const char *text)
{
    return xmemdup(text, strlen(text) + 1);
}

char *
xstrndup(const char *text, size_t len)
{
    char *copy = xmalloc(len + 1);

    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void *
xmemdup(const void *at, size_t len)
{
    void *copy = xmalloc(len);

    if (len > 0)
        memcpy(copy, at, len);
    return copy;
}

static void *
s_or_die(void *at, size_t n, size_t size)
{
    if (at == NULL) {
        fprintf(stderr, "out of memory: %zu x %zu bytes\n", n, size);
        abort();
    }
    return at;
}
