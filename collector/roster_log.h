// roster_log - the file that keeps who belongs: changes, each durable before it is told.
//
// In:     changes; at the open whatever the disk has.
// Out:    the changes again, oldest first.
// Files:  `dir`/roster, mode 0600: 8 bytes "ZPROSTER", then records (roster_record).
// Loss:   a record that a crash cut off at the end was never told: it is left out, and told by
//         `torn`. Damage before the end is never passed over, since a revocation might stand there:
//         ERR_FORMAT, and nobody is let in until a person has looked.
// Errors: a full disk leaves the file as it was. After another failure of a write or sync it is not
//         known what the disk has: every later append fails the same way.
// Thread: one at a time. An append waits for the disk.

#ifndef COLLECTOR_ROSTER_LOG_H
#define COLLECTOR_ROSTER_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "collector/roster_record.h"
#include "shared/base/buf.h"

#define ROSTER_LOG_MOST (64u * 1024u * 1024u) // bytes of a file that is read

typedef struct roster_log roster_log_t;
typedef void roster_log_fn(void *arg, const struct roster_record *record);

// Reads what is there, to `fn` in order; makes an empty one where nothing is. 0, *ret and the bytes
// of a torn tail; ERR_FORMAT and in *torn the offset that cannot be read; ERR_LIMIT; or -errno.
int roster_log_open(roster_log_t **ret, size_t *torn, const char *dir, roster_log_fn *fn,
                    void *arg);
void roster_log_close(roster_log_t **self_p);
// Durable once this is 0.
int roster_log_append(roster_log_t *self, const struct roster_record *record);
// Records in the file.
size_t roster_log_count(const roster_log_t *self);
// In place of all that is there: `records`, as roster_record_put wrote them, n of them. Whole or
// not at all.
int roster_log_replace(roster_log_t *self, const struct buf *records, size_t n);

#endif
