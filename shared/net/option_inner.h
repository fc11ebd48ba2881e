// option_inner - what the five files of option share; nobody else includes it.

#ifndef SHARED_NET_OPTION_INNER_H
#define SHARED_NET_OPTION_INNER_H

#include "shared/base/buf.h"
#include "shared/net/option.h"

#define OPTION_FILE_MAX (1024u * 1024u)

// Where a value came from; a higher one replaces a lower one.
enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct setting {
    const struct option *option;
    enum origin least; // the lowest source it may come from: --help is no key of a file
    enum origin origin;
    char **texts; // owned; more than one only of a list
    size_t n;
    uint64_t number; // what the last text says; 1 is true
};

struct options {
    const struct option_program *program;
    struct setting *settings; // the program's in its order, then the common ones
    size_t n;
    const char **arguments; // borrowed from argv
    size_t n_arguments;
    FILE *err; // while loading
};

// By name, among those that may come from `origin`; NULL if there is none.
struct setting *option_find(const options_t *self, const char *name, size_t len,
                            enum origin origin);
// The name most like it, or NULL if none is.
const char *option_nearest(const options_t *self, const char *name, enum origin origin);
// Checks `text` and keeps it unless a higher source has spoken. 0, or ERR_FORMAT after one line on
// err that begins with `where`.
int option_give(options_t *self, struct setting *s, enum origin origin, const char *where,
                const char *text);
// "zpulse-agent: " and the rest as one line on err.
void option_complain(const options_t *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// option_flag.c: 0, or ERR_FORMAT after one line on err. Ends early at --help and --version.
int option_flags_read(options_t *self, int argc, char **argv);

// option_value.c: 0 and what it says in *number_ret, or ERR_FORMAT.
int option_value_check(uint64_t *number_ret, const struct option *o, const char *text);
// What the option takes, as a phrase: "a duration such as 250ms, 1s or 5m, from 100ms to 1h".
void option_value_rule(struct buf *out, const struct option *o);

// option_file.c: 0, or ERR_FORMAT after a line on err for each thing that is wrong.
int option_file_load(options_t *self, const char *path);

// option_print.c
void option_print_help(const options_t *self, FILE *out);
void option_print_config(const options_t *self, FILE *out);
// "ZPULSE_PORT_BASE" of "port-base".
void option_variable(struct buf *out, const char *name);

#endif
