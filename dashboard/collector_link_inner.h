// collector_link_inner - what collector_link.c (the thread and its sockets) and link_question.c
// (questions and answers) share.

#ifndef DASHBOARD_COLLECTOR_LINK_INNER_H
#define DASHBOARD_COLLECTOR_LINK_INNER_H

#include <czmq.h>
#include <pthread.h>
#include <stdatomic.h>

#include "dashboard/collector_link.h"
#include "dashboard/feed.h"
#include "dashboard/known_hosts.h"
#include "dashboard/live_views.h"
#include "dashboard/question_table.h"
#include "shared/base/ring.h"

struct collector_link {
    struct collector_link_options opt;
    zsock_t *live;  // SUB
    zsock_t *query; // DEALER
    ring_t *asked;  // struct link_request
    int wake_fd;    // a snapshot is wanted, or stopping
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    atomic_bool up;
    // What follows belongs to the thread.
    known_hosts_t *hosts;
    live_views_t *views;
    feed_t *feed;
    question_table_t *questions;
    uint64_t epoch; // of the collector, 0 before it answered
    int64_t answered_ms;
    int64_t ping_ms; // when to ask for the hosts
    bool ping_waits; // no collector is connected: as soon as one is
    int64_t now_ms;
    struct buf text; // selectors of a whole view
    const char *selectors[QUERY_SELECTORS_MAX];
    size_t n_selectors;
    fact_table_t *facts;     // or NULL
    int64_t facts_ms;        // when they came
    struct link_poll *polls; // wait for a snapshot
    size_t n_polls, polls_size;
};

// A request that waits until its view has a snapshot.
struct link_poll {
    struct link_request *request;
    int64_t deadline_ms;
};

// A request of another thread: ends at once, or with an answer.
void link_begin(collector_link_t *self, struct link_request *request);
// A POLL whose ring and info are there: ends at once, or with the view's next snapshot.
void link_poll_begin(collector_link_t *self, struct link_request *request);
// Ends those whose snapshot has come, and with LINK_UNAVAILABLE those past their deadline
// (INT64_MAX: all).
void link_poll_check(collector_link_t *self, int64_t now_ms);
// What the collector says to a question.
void link_take_reply(collector_link_t *self, const void *at, size_t n);
// Asks for all hosts, now or as soon as there is a connection; the answer shows that it lives.
void link_ping(collector_link_t *self);
void link_set_up(collector_link_t *self, bool up);
// For live_views_io; arg is the link.
void link_ask_table(void *arg, uint64_t host);
void link_ask_window(void *arg, uint64_t host, struct live_ask ask);

#endif
