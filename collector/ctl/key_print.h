// key_print - keys as people and programs read them.
//
// In:     KEYS messages, page by page.
// Out:    a table, CSV, or a JSON array.
// Thread: one.

#ifndef COLLECTOR_CTL_KEY_PRINT_H
#define COLLECTOR_CTL_KEY_PRINT_H

#include <stddef.h>

#include "shared/base/buf.h"
#include "shared/wire/enrol.h"

typedef struct key_print key_print_t;

key_print_t *key_print_new(void);
void key_print_destroy(key_print_t **self_p);
// Copies what it needs of the page.
void key_print_add(key_print_t *self, const struct enrol_msg *page);
size_t key_print_count(const key_print_t *self);
// `form` is "table", "csv" or "json".
void key_print_put(const key_print_t *self, struct buf *out, const char *form);

#endif
