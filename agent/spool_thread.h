// spool_thread - the thread of the spool: orders in, events out. Part of agent/spool.h.
//
// Thread: spool_thread_* are for the owner's thread. Orders and events are moved, never shared.

#ifndef AGENT_SPOOL_THREAD_H
#define AGENT_SPOOL_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool.h"

#define SPOOL_RECORD_OVERHEAD 17u // bytes that a record takes in a segment, beside its own

enum spool_order_kind {
    SPOOL_APPEND = 1,
    SPOOL_TABLE,
    SPOOL_END,
    SPOOL_ACKED,
    SPOOL_ASK,
    SPOOL_NOTE,
    SPOOL_STOP,
};

struct spool_order {
    struct spool_order *next; // main's, while it waits for room
    enum spool_order_kind kind;
    uint64_t stream;
    uint64_t seq;           // ACKED: next; ASK: from; END, STOP: head
    uint64_t total;         // samples before it; ASK: or SPOOL_TOTAL_UNKNOWN
    size_t bytes_most;      // ASK
    uint64_t collector;     // ACKED
    bool repeat;            // ASK
    struct spool_note note; // NOTE
    size_t len;             // of the record; APPEND, TABLE
    uint8_t bytes[];
};

enum spool_event_kind {
    SPOOL_WRITTEN = 1,
    SPOOL_READ,
    SPOOL_READ_DONE,
    SPOOL_LOST,
    SPOOL_REFUSING,
};

struct spool_event {
    struct spool_event *next; // the thread's, while it waits for room
    enum spool_event_kind kind;
    uint64_t stream;
    uint64_t seq;         // WRITTEN, READ_DONE: next
    bool flag;            // READ: a repeat; READ_DONE: there is no more
    int rc;               // READ_DONE
    struct spool_gap gap; // LOST
    size_t len;           // of the record; READ
    uint8_t bytes[];
};

// The record, copied.
struct spool_order *spool_order_record(enum spool_order_kind kind, const struct record *record);

typedef struct spool_thread spool_thread_t;

// As spool_open.
int spool_thread_start(spool_thread_t **ret, const struct spool_files_options *opt, int64_t sync_ms,
                       int64_t (*now_ms)(void), struct spool_book *book,
                       struct spool_files_found *found);
// After a SPOOL_STOP was pushed, if it could be: waits for the end until `deadline_ms` of
// CLOCK_MONOTONIC. 0, or -ETIMEDOUT: all that the thread has is left to it.
int spool_thread_stop(spool_thread_t **self_p, int64_t deadline_ms);

// False: no room; the order stays the caller's.
bool spool_thread_push(spool_thread_t *self, struct spool_order *order);
size_t spool_thread_queued(const spool_thread_t *self); // bytes of records not yet written
int spool_thread_fd(const spool_thread_t *self);
void spool_thread_ack(spool_thread_t *self);
struct spool_event *spool_thread_event(spool_thread_t *self); // the caller's to free; or NULL
void spool_thread_wait(spool_thread_t *self, int ms);         // for an event, at most
void spool_thread_stat(spool_thread_t *self, struct spool_stat *ret);

#endif
