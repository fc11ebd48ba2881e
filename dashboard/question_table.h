// question_table - questions that are at the collector: their replies put together, their
// deadlines.
//
// Thread: one owner. Pure: times are given, bytes come from the caller.
// Loss:   replies to a question that was given up are dropped.

#ifndef DASHBOARD_QUESTION_TABLE_H
#define DASHBOARD_QUESTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/link_request.h"

#define QUESTIONS_MAX      1024
#define QUESTION_BYTES_MAX (256u * 1024u * 1024u) // of all replies to one

// What is done with an answer.
enum question_use {
    USE_PING,    // the hosts, for ourselves
    USE_RESOLVE, // the hosts, then the request goes on
    USE_FACTS,   // the facts of all hosts, then the request asks for the hosts
    USE_REQUEST, // given to the asker
    USE_WINDOW,  // of a view
};

struct question {
    uint64_t id;
    enum question_use use;
    struct link_request *request; // RESOLVE, FACTS, REQUEST; else NULL
    uint64_t host;                // WINDOW
    int64_t deadline_ms;
    struct buf *replies; // whole messages, copied; none once `bytes` passes the limit
    size_t n_replies;
    size_t bytes;
};
void question_release(struct question *q); // not the request

typedef struct question_table question_table_t;

question_table_t *question_table_new(void);
void question_table_destroy(question_table_t **self_p);

bool question_table_full(const question_table_t *self);
// A number for the next question, never given twice.
uint64_t question_table_id(question_table_t *self);
void question_table_put(question_table_t *self, const struct question *q);
// A reply has come. True if its question is answered: then *done is the caller's to release.
bool question_table_take(question_table_t *self, const struct query_reply *reply, const void *at,
                         size_t n, struct question *done);
// True while there is one past its deadline (INT64_MAX: any): *late is the caller's to release.
bool question_table_late(question_table_t *self, int64_t now_ms, struct question *late);
// Gives up the question for a host's window, if there is one.
void question_table_drop_window(question_table_t *self, uint64_t host);

#endif
