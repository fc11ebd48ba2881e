// key_print - see the header.

#include "collector/ctl/key_print.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ctl/table_print.h"
#include "collector/ctl/when.h"
#include "shared/base/json.h"
#include "shared/base/xalloc.h"
#include "shared/net/key_file.h"

struct key_row {
    char key[KEY_TEXT_SIZE];
    char name[ENROL_NAME_MAX + 1];
    uint8_t role, state;
    int64_t since_ms, until_ms, seen_ms;
};

struct key_print {
    struct key_row *at;
    size_t n;
};

static void s_put_table(const key_print_t *self, struct buf *out, bool csv);
static void s_put_json(const key_print_t *self, struct buf *out);
static const char *s_time(char out[WHEN_SIZE], int64_t ms);

key_print_t *
key_print_new(void)
{
    return xcalloc(1, sizeof(key_print_t));
}

void
key_print_destroy(key_print_t **self_p)
{
    if (*self_p == NULL)
        return;
    free((*self_p)->at);
    free(*self_p);
    *self_p = NULL;
}

void
key_print_add(key_print_t *self, const struct enrol_msg *page)
{
    if (page->keys.n_keys == 0)
        return;
    self->at = xrealloc(self->at, self->n + page->keys.n_keys, sizeof *self->at);
    for (uint32_t i = 0; i < page->keys.n_keys; i++) {
        const struct enrol_key *key = &page->keys.keys[i];
        struct key_row *row = &self->at[self->n++];

        *row = (struct key_row){ .role = key->role,
                                 .state = key->state,
                                 .since_ms = key->since_ms,
                                 .until_ms = key->until_ms,
                                 .seen_ms = key->seen_ms };
        key_to_text(row->key, key->key);
        memcpy(row->name, key->name.at, key->name.len);
    }
}

size_t
key_print_count(const key_print_t *self)
{
    return self->n;
}

void
key_print_put(const key_print_t *self, struct buf *out, const char *form)
{
    if (strcmp(form, "json") == 0)
        s_put_json(self, out);
    else
        s_put_table(self, out, strcmp(form, "csv") == 0);
}

static void
s_put_table(const key_print_t *self, struct buf *out, bool csv)
{
    static const struct table_column columns[] = {
        { "NAME", false },  { "ROLE", false }, { "STATE", false }, { "SINCE", false },
        { "UNTIL", false }, { "SEEN", false }, { "KEY", false },
    };
    table_t *table = table_new(columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < self->n; i++) {
        const struct key_row *row = &self->at[i];
        char since[WHEN_SIZE], until[WHEN_SIZE], seen[WHEN_SIZE];

        table_add(table, (const char *const[]){
                             row->name, key_role_str(row->role), key_state_str(row->state),
                             s_time(since, row->since_ms), s_time(until, row->until_ms),
                             s_time(seen, row->seen_ms), row->key });
    }
    if (csv)
        table_put_csv(table, out);
    else
        table_put_text(table, out);
    table_destroy(&table);
}

static void
s_put_ms(struct json *j, const char *name, int64_t ms)
{
    json_key(j, name);
    if (ms > 0)
        json_int(j, ms);
    else
        json_null(j);
}

static void
s_put_json(const key_print_t *self, struct buf *out)
{
    struct json j;

    json_init(&j, out);
    json_array(&j);
    for (size_t i = 0; i < self->n; i++) {
        const struct key_row *row = &self->at[i];

        json_object(&j);
        json_key(&j, "name");
        json_str(&j, row->name);
        json_key(&j, "role");
        json_str(&j, key_role_str(row->role));
        json_key(&j, "state");
        json_str(&j, key_state_str(row->state));
        s_put_ms(&j, "since_ms", row->since_ms);
        s_put_ms(&j, "until_ms", row->until_ms);
        s_put_ms(&j, "seen_ms", row->seen_ms);
        json_key(&j, "key");
        json_str(&j, row->key);
        json_object_end(&j);
    }
    json_array_end(&j);
    buf_byte(out, '\n');
}

// "-" for a time that there is not.
static const char *
s_time(char out[WHEN_SIZE], int64_t ms)
{
    return ms > 0 ? when_put(out, ms) : "-";
}
