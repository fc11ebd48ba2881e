// books - see the header.

#include "tests/support/books.h"

json_t *
books_get(stage_t *stage)
{
    return books_get_of(stage, "web-1", NULL);
}

json_t *
books_get_of(stage_t *stage, const char *host, const char *keys)
{
    process_t *p = stage_run(stage, "zpulse", "ledger", "--collector", stage_endpoint(stage),
                             "--output=json", host, keys, NULL);
    json_t *all = NULL;
    json_t *mine;

    claim(stage, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    if (process_code(p) == 0) {
        all = json_loads(process_out(p), 0, NULL);
        claim(stage, json_array_size(all) == 1);
    }
    mine = json_incref(json_array_get(all, 0));
    json_decref(all);
    stage_drop(stage, &p);
    return mine;
}

json_int_t
books_number(const json_t *books, const char *key)
{
    return json_integer_value(json_object_get(books, key));
}

json_int_t
books_sum(const json_t *books, const char *key)
{
    json_int_t sum = 0;
    const char *cause;
    json_t *value;

    json_object_foreach(json_object_get(books, key), cause, value) sum += json_integer_value(value);
    return sum;
}

bool
books_are_acked(stage_t *stage, void *acked)
{
    const struct books_acked *want = acked;
    json_t *books = books_get_of(stage, want->host, NULL);
    const bool are = books != NULL && books_number(books, "acked") >= want->least &&
                     json_is_true(json_object_get(books, "settled"));

    json_decref(books);
    return are;
}

bool
books_are_settled(stage_t *stage, void *none)
{
    json_t *books = books_get(stage);
    const bool are = json_is_true(json_object_get(books, "settled"));

    (void) none;
    json_decref(books);
    return are;
}

bool
books_have_lost(stage_t *stage, void *none)
{
    json_t *books = books_get(stage);
    const bool have = books_sum(books, "lost") > 0;

    (void) none;
    json_decref(books);
    return have;
}
