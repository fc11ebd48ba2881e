// label - the names and values that tell one series from another.
//
// Source: Prometheus' data model.
// A set is sorted by name, names are unique, the metric's name is the label "__name__". Names are
// [a-zA-Z_][a-zA-Z0-9_]* (the value of __name__ may hold ':' too); values are any UTF-8 without
// NUL, as bytes; an empty value is the same as no label and is left out.
// Limits: 64 labels a set, names of 128 bytes, values of 16,384 bytes, 32,768 bytes a set.

#ifndef SHARED_MODEL_LABEL_H
#define SHARED_MODEL_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

#define LABEL_SET_MAX   64
#define LABEL_NAME_MAX  128
#define LABEL_VALUE_MAX 16384
#define LABEL_BYTES_MAX 32768
#define LABEL_METRIC    "__name__"

struct label {
    const char *name;  // NUL-terminated
    const char *value; // NUL-terminated UTF-8
};

// A value: zero is the empty set. Holds memory: label_set_release.
struct label_set {
    size_t count;
    struct label *at; // sorted by name; one allocation with the text
    uint32_t hash;    // of all names and values; equal sets have equal hashes
};

// Copies. 0, ERR_FORMAT (a bad name, a name twice, not UTF-8) or ERR_LIMIT; then *set is empty.
int label_set_init(struct label_set *set, const struct label *labels, size_t n);
// Copies labels that are a set already: sorted, checked, as another one gave them.
void label_set_known(struct label_set *set, const struct label *labels, size_t n);
void label_set_release(struct label_set *set);
void label_set_copy(struct label_set *set, const struct label_set *from);
// `from` and one label more, or with that label's value replaced. Errors as label_set_init.
int label_set_with(struct label_set *set, const struct label_set *from, const char *name,
                   const char *value);
bool label_set_equal(const struct label_set *a, const struct label_set *b);
// Order of (name, value) pairs, as strcmp: for sorted output.
int label_set_compare(const struct label_set *a, const struct label_set *b);
// The value, or NULL.
const char *label_set_get(const struct label_set *set, const char *name);
// The value of __name__, or "".
const char *label_set_metric(const struct label_set *set);

// varint count, then name and value of each as wbuf_str.
void label_set_put(struct wbuf *w, const struct label_set *set);
// The same back; a set that breaks a rule above fails r. *set is empty on failure.
int label_set_take(struct rbuf *r, struct label_set *set);
// name{a="b",c="d"} as exposition text, values escaped.
void label_set_text(struct buf *out, const struct label_set *set);

#endif
