// roster_tidy - see the header.

#include "collector/roster_tidy.h"

#include <string.h>

#include "shared/base/buf.h"

#define SLACK_RECORDS 1024 // of a file, beside twice what it needs, before it is written anew

static void s_save(struct buf *out, size_t *n, const struct roster_record *record);

int
roster_tidy(roster_log_t *log, const key_table_t *keys, const token_table_t *tokens, int64_t now_ms)
{
    const struct key_entry *key;
    const struct token_entry *token;
    struct buf all = { 0 };
    size_t n = 0, at = 0;
    int rc;

    if (roster_log_count(log) < 2 * key_table_count(keys) + SLACK_RECORDS)
        return 0;
    while ((token = token_table_next(tokens, &at, now_ms)) != NULL) {
        struct roster_record record = { .type = ROSTER_TOKEN,
                                        .role = (uint8_t) token->role,
                                        .uses = token->uses,
                                        .until_ms = token->expires_ms };

        memcpy(record.token, token->image, sizeof record.token);
        memcpy(record.name, token->name, sizeof record.name);
        s_save(&all, &n, &record);
    }
    for (uint64_t after = 0; (key = key_table_next(keys, after)) != NULL; after = key->serial) {
        struct roster_record record = { .type = ROSTER_HELD,
                                        .role = (uint8_t) key->role,
                                        .state = (uint8_t) key->state,
                                        .at_ms = key->since_ms,
                                        .until_ms = key->until_ms };

        memcpy(record.key, key->key, sizeof record.key);
        memcpy(record.token, key->token, sizeof record.token);
        memcpy(record.name, key->name, strlen(key->name) + 1);
        s_save(&all, &n, &record);
    }
    rc = roster_log_replace(log, &all, n);
    buf_release(&all);
    return rc;
}

static void
s_save(struct buf *out, size_t *n, const struct roster_record *record)
{
    uint8_t bytes[ROSTER_RECORD_MOST];

    buf_bytes(out, bytes, roster_record_put(bytes, record));
    ++*n;
}
