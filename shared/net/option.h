// option - every setting of a program, from one table: flag > environment > file > default.
//
// In:     argv, the environment, and a ZPL file (RFC 4/ZPL, czmq's zconfig) given by --config.
// Out:    checked values by name; --help, --version, --check-config, --print-config answered.
// Names:  option "port-base" is the flag --port-base, the variable ZPULSE_PORT_BASE and the key
//         port-base.
// Lists:  a flag or key may stand more than once; a variable has commas. The highest of flag,
//         variable and file gives the whole list; '' empties it.
// Errors: one line on stderr that names where it stands (flag, variable, file and key), the value
//         and the rule; an unknown name comes with the nearest known one.
// Thread: load before the first thread; the values then never change. SIGHUP loads anew, beside the
//         old.
// Limits: values of 900 bytes without control characters; files of 1 MiB.

#ifndef SHARED_NET_OPTION_H
#define SHARED_NET_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTION_EXIT_OK          0
#define OPTION_EXIT_FAILED      1
#define OPTION_EXIT_USAGE       2  // bad flag or argument
#define OPTION_EXIT_UNAVAILABLE 69 // sysexits EX_UNAVAILABLE: a port, a peer, a file
#define OPTION_EXIT_TRY_AGAIN   75 // EX_TEMPFAIL
#define OPTION_EXIT_CONFIG      78 // EX_CONFIG: file, variable or value

// Bytes of any value: a line of ZPL must stay below czmq's 1,024. What takes a value has room for
// it.
#define OPTION_VALUE_MAX 900

enum option_type {
    OPTION_FLAG,     // --name; in a file or variable: true or false
    OPTION_TEXT,     // any text; least to most bytes, most 0: OPTION_VALUE_MAX
    OPTION_UINT,     // least to most; most 0: no limit
    OPTION_DURATION, // "1s"; least to most in ms
    OPTION_BYTES,    // "256MiB"; least to most
    OPTION_ENDPOINT, // tcp://..., ipc://..., inproc://..., with an optional @ or >
    OPTION_ADDRESS,  // HOST:PORT of HTTP or UDP
    OPTION_CHOICE,   // one of `choices`
};

struct option {
    const char *name; // lower case, words joined by '-'
    enum option_type type;
    bool list;            // may be given more than once
    const char *fallback; // default, as text; NULL: none
    uint64_t least;       // of TEXT, ENDPOINT and ADDRESS too: 0 allows '' (off), 1 refuses it
    uint64_t most;
    bool secret;         // the value is never shown: neither refused nor by --print-config
    const char *choices; // "a|b|c"
    const char *meta;    // what --help calls the value: "DIR"
    const char *help;    // one line
    const char
        *later;  // not NULL: accepted, has no effect yet; the log says so once when it is given
    char letter; // 'o': -o VALUE means the same; 0: none
};

typedef struct options options_t;

struct option_program {
    const char *name;    // "zpulse-agent"
    const char *summary; // first line of --help
    const char *usage;   // "zpulse-agent [OPTION]..."
    const char *tail;    // printed after the options; may be NULL
    const struct option
        *options;   // ends with a NULL name; common ones are added (--config, --log-level, ...)
    bool arguments; // words that are no options are allowed
    // What the table can not say of values, or of several together: 0, or below zero after one line
    // on err. May be NULL. --check-config asks it too.
    int (*check)(const options_t *options, FILE *err);
};

// 0 and *ret: go on. 1: answered (--help, --version, --check-config, --print-config), *exit_ret is
// the exit code. Below zero: refused and said on err; *exit_ret is OPTION_EXIT_USAGE or
// OPTION_EXIT_CONFIG.
int options_load(options_t **ret, int *exit_ret, const struct option_program *program, int argc,
                 char **argv, FILE *out, FILE *err);
void options_destroy(options_t **self_p);

// Asking for a name that the table lacks, or by another type, is a bug and asserted.
const char *options_text(const options_t *self,
                         const char *name); // NULL if not given and no default
bool options_flag(const options_t *self, const char *name);
uint64_t options_uint(const options_t *self, const char *name); // UINT, BYTES
int64_t options_ms(const options_t *self, const char *name);    // DURATION
size_t options_list(const options_t *self, const char *name, const char *const **ret);
bool options_given(const options_t *self, const char *name); // by any of flag, variable, file
size_t options_arguments(const options_t *self, const char *const **ret);
// Says once in the log which given options have no effect yet.
void options_log_later(const options_t *self);

// The version of every program: "0.1.0".
extern const char *const zpulse_version;

#endif
