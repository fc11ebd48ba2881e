// fill_list - see the header.

#include "collector/fill_list.h"

#include <string.h>

static void
s_drop(struct fill_list *list, size_t n)
{
    list->n -= n;
    memmove(list->at, list->at + n, list->n * sizeof list->at[0]);
}

void
fill_list_add(struct fill_list *list, const struct live_filled *filled, int64_t mono_ms)
{
    if (fill_list_trim(list, mono_ms) == FILL_LIST_MOST)
        s_drop(list, 1);
    list->at[list->n++] = (struct fill){ .filled = *filled, .told_ms = mono_ms };
}

size_t
fill_list_trim(struct fill_list *list, int64_t mono_ms)
{
    size_t old = 0;

    while (old < list->n && mono_ms - list->at[old].told_ms >= FILL_LIST_MS)
        old++;
    s_drop(list, old);
    return list->n;
}
