// sysfs_series - a family whose numbers each stand in a small file of their own below sys/.
//
// In:     a function that looks through the tree and adds what it finds.
// Out:    a series for each file. The tree is looked through when the family is made, and then each
//         minute, since devices come and go. The files themselves are read in a thread
//         (slow_thread.h), half a second before the sample that tells them.
// Absent: a file that can not be read, or holds no number, for as long as that is so. The first is
//         said once for each file, the second is not: many hold words.
// A family gives sysfs_series_walk and the three behind it as its own members.

#ifndef AGENT_PROC_SYSFS_SERIES_H
#define AGENT_PROC_SYSFS_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define SYSFS_LOOK_MS    60000
#define SYSFS_STUCK_MS   5000
#define SYSFS_LABELS_MAX 4
#define SYSFS_ITEMS_MAX  8192 // series of one family

typedef struct sysfs_series sysfs_series_t;

// Adds all there is, below the root. What it does not add any more is forgotten.
typedef void (*sysfs_look_fn)(sysfs_series_t *self, int root_fd);

// The state of a family that is due each every_ms. Without a root (setup->root) it finds nothing.
sysfs_series_t *sysfs_series_new(const struct proc_setup *setup, sysfs_look_fn look,
                                 unsigned every_ms);
// While looking: the number in `path` is the series `spec` with the `n` labels (at most
// SYSFS_LABELS_MAX). A path of NULL is the number 1. All but spec->help is copied.
void sysfs_series_add(sysfs_series_t *self, const char *path, const struct series_spec *spec,
                      const struct label *labels, size_t n);
// Looks through the tree now, as is done each minute.
void sysfs_series_look(sysfs_series_t *self);

void sysfs_series_walk(void *self, series_table_t *table);
void sysfs_series_settle(void *self, int64_t ms);
bool sysfs_series_hangs(void *self);
void sysfs_series_end(void **self_p);

#endif
