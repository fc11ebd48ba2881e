// app_input - the sockets that applications send their numbers to, in the agent's one loop.
//
// In:     one JSON value a message (app_json), by SUB from those who PUB and by PULL from those who
//         PUSH. Messages of several parts are bad.
// Out:    app_series; zpulse_agent_app_messages_total and _bad_total, and
//         zpulse_agent_app_waits_total{endpoint}: seconds in which a socket had more than is read.
// Budget: in a turn of the loop 64 messages or 128 KiB of a socket; in a second 2,000 messages or
//         1 MiB of it, of which an unused second may be saved. What is beyond waits in the socket:
//         SUB and PULL take from their peers by turns, so nobody waits for who sends too much but
//         that one.
// Loss:   PUB drops what a full socket does not take, PUSH waits: libzmq's ways.
// Limits: APP_INPUT_MOST sockets; 64 KiB a message, and who sends 128 KiB is cut.
// Hazard: a program of this machine that sends more than is read, ZMTP heartbeats among it, and
//         breaks off can end the agent by an assertion of libzmq's (see SOCK_NO_LIMIT). Taking all
//         would let it fill the memory instead. What is in the spool by then is not lost.
// Thread: one owner.

#ifndef AGENT_APP_INPUT_H
#define AGENT_APP_INPUT_H

#include <czmq.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/app_endpoint.h"
#include "agent/app_series.h"
#include "agent/series_table.h"

#define APP_INPUT_MOST APP_ENDPOINTS_MOST

typedef struct app_input app_input_t;

struct app_input_options {
    struct app_endpoint_list sub;
    struct app_endpoint_list pull;
    app_series_t *series;  // borrowed
    series_table_t *table; // borrowed
    unsigned io_thread;    // as sock_spec's
};

// 0 and *ret. Otherwise -EADDRINUSE and the like, ERR_RANGE or ERR_FORMAT (an endpoint against the
// rules) or ERR_LIMIT (too many), and *culprit_ret, the endpoint, of the options.
int app_input_open(app_input_t **ret, const struct app_input_options *opt,
                   const char **culprit_ret);
void app_input_close(app_input_t **self_p);

// How many items there are, always as many; and what to wait for. Returns the milliseconds until
// poll has to be called again, below zero if that does not matter.
size_t app_input_items(const app_input_t *self);
int64_t app_input_poll(app_input_t *self, zmq_pollitem_t *items, int64_t mono_ms);
// Takes what there is, within the turn's budget.
void app_input_receive(app_input_t *self, const zmq_pollitem_t *items);
// Between series_table_begin and series_table_end: the counters that have an endpoint's name.
void app_input_sample(app_input_t *self);

#endif
