// name_filter - which names of devices, mount points and types are taken in.
//
// In:     two regular expressions in PCRE2's syntax, as node_exporter's filters: searched anywhere
//         in the name, so they bring their own ^ and $.
// Out:    a name passes if it is matched by `include` (where there is one) and not by `exclude`.
// Limits: a match that takes too many steps counts as none: the name is then taken in.
// Thread: one at a time.

#ifndef AGENT_PROC_NAME_FILTER_H
#define AGENT_PROC_NAME_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_FILTER_ERROR_SIZE 320

typedef struct name_filter name_filter_t;

// NULL or "" is no expression. 0 and *ret; ERR_FORMAT and in error[] what is wrong with which of
// them, and where.
int name_filter_new(name_filter_t **ret, const char *include, const char *exclude,
                    char error[NAME_FILTER_ERROR_SIZE]);
void name_filter_destroy(name_filter_t **self_p);
// A filter of NULL lets everything pass.
bool name_filter_passes(const name_filter_t *self, const char *name, size_t len);

#endif
