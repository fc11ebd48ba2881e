// dashboard - the parts of the program, started and ended in order.
//
// Thread: main only. Starts three: link, stream, http.
// Order:  files -> listening socket -> stream -> link -> http; and in the end: http takes nobody
//         new -> link answers what waits -> stream says bye and gives the connections back -> http.

#ifndef DASHBOARD_DASHBOARD_H
#define DASHBOARD_DASHBOARD_H

#include <stddef.h>
#include <stdint.h>

#include "dashboard/dashboard_option.h"
#include "dashboard/page_files.h"

typedef struct dashboard dashboard_t;

// 0 and *ret; or below zero, and *exit_ret after one line in the log.
int dashboard_start(dashboard_t **ret, int *exit_ret, const struct dashboard_options *options,
                    const struct page_asset *assets, size_t n_assets);
void dashboard_stop(dashboard_t **self_p);
uint16_t dashboard_port(const dashboard_t *self);
// Closes connections that have been saying a request for too long. About once a second.
void dashboard_sweep(dashboard_t *self);

#endif
