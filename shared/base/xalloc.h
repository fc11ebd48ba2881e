// xalloc - memory, or the end of the process.
//
// In:   sizes that were checked against a limit wherever they came from outside.
// Out:  memory that is the caller's, for free(). Never NULL.
// Loss: out of memory ends the process with a line on stderr (abort).

#ifndef SHARED_BASE_XALLOC_H
#define SHARED_BASE_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
// n elements of `size`; ends the process on overflow too.
void *xrealloc(void *at, size_t n, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
void *xmemdup(const void *at, size_t len);

#endif
