// operator - an operator's questions about keys, as the commands ask them.
//
// In:     the options --collector and --keys, which operator_options gives; questions.
// Out:    answers; or one line on stderr, and the exit code.
// Thread: main.

#ifndef COLLECTOR_CTL_OPERATOR_H
#define COLLECTOR_CTL_OPERATOR_H

#include "shared/net/enrol_client.h"
#include "shared/net/option.h"

// The rows that each of these commands has.
#define OPERATOR_OPTIONS                                                                       \
    { .name = "collector",                                                                     \
      .type = OPTION_ENDPOINT,                                                                 \
      .fallback = "tcp://127.0.0.1:5560",                                                      \
      .least = 1,                                                                              \
      .meta = "ENDPOINT",                                                                      \
      .help = "data port of the collector to ask" },                                           \
    {                                                                                          \
        .name = "keys", .type = OPTION_TEXT, .least = 1, .meta = "DIR",                        \
        .help = "folder of operator.key and collector.pub; default: the first that exists of " \
                "./run/keys, ~/.config/zpulse, /etc/zpulse/keys"                               \
    }

typedef struct operator operator_t;

// 0 and *ret; or below zero after one line, and *exit_ret. `command` is how it calls itself there.
int operator_open(operator_t **ret, int *exit_ret, const char *command, const options_t *options);
void operator_close(operator_t **self_p);
// The folder of keys and the collector, as they were found.
const char *operator_keys(const operator_t *self);
const char *operator_collector(const operator_t *self);
// Readable: the program is to end.
int operator_wake_fd(const operator_t *self);
// 0 and the answer, which is of the question's kind; or as operator_open.
int operator_ask(operator_t *self, int *exit_ret, struct enrol_msg *answer,
                 struct enrol_msg *question);

#endif
