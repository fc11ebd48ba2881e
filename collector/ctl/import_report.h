// import_report - what became of an import, as the collector counts it.
//
// In:     a link; a collector that answers questions.
// Out:    a sentence for people: how many samples are stored, refused and why, and how many had
//         another value already.
// The collector finds other values as it seals what came, shortly after; so the report waits until
// their number rests, REPORT_MOST_MS at most.
// Thread: one owner.

#ifndef COLLECTOR_CTL_IMPORT_REPORT_H
#define COLLECTOR_CTL_IMPORT_REPORT_H

#include <stdio.h>

#include "collector/ctl/import_link.h"

#define REPORT_MOST_MS 3000

typedef struct import_report import_report_t;

// As query_client_open.
int import_report_open(import_report_t **ret, import_link_t *link, const char *collector,
                       const struct curve *curve, int signals);
void import_report_destroy(import_report_t **self_p);

// After each turn of the link: asks how the books of new instances stand. 0, or -EINTR.
int import_report_look(import_report_t *self);
// Where the collector does not keep samples of that age: a sentence about it to `err`. 0 or -EINTR.
int import_report_keep(import_report_t *self, int64_t oldest_ms, FILE *err);
// At the end. 0; ERR_FORMAT: samples were refused, which is said; or -EINTR.
int import_report_tell(import_report_t *self, uint64_t samples, FILE *out);

#endif
