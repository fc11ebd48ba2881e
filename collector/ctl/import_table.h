// import_table - the series of a file that is imported: whose they are, and in which slot.
//
// In:     series as lines have them.
// Out:    instance and slot of each; what is new is made in the link.
// A series is found by its text first, which costs no parsing; the same labels in another order are
// the same series.
// Memory: of all series, IMPORT_SERIES_MAX at most.
// Thread: one owner.

#ifndef COLLECTOR_CTL_IMPORT_TABLE_H
#define COLLECTOR_CTL_IMPORT_TABLE_H

#include "collector/ctl/import_link.h"
#include "collector/ctl/import_text.h"

#define IMPORT_SERIES_MAX 1000000u

typedef struct import_table import_table_t;

struct import_series {
    struct import_instance *instance;
    uint32_t slot; // of its stream
};

struct import_table_options {
    import_link_t *link;  // borrowed
    const char *instance; // of series that have none; NULL: they are refused
    uint64_t content;     // of the file: ids of streams are made of it
};

import_table_t *import_table_new(const struct import_table_options *options);
void import_table_destroy(import_table_t **self_p);

// 0 and *ret, ours; or ERR_FORMAT or ERR_LIMIT and what is wrong.
int import_table_find(import_table_t *self, const struct import_line *line,
                      const struct import_series **ret, struct import_fault *fault);
size_t import_table_count(const import_table_t *self); // series

#endif
