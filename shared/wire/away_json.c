// away_json - see the header.

#include "shared/wire/away_json.h"

#include "shared/base/str.h"

// 0 is none.
static void
s_put_id(struct json *j, uint64_t id)
{
    char text[STR_HEX64_SIZE];

    if (id != 0)
        json_str(j, str_hex64_put(text, id));
    else
        json_null(j);
}

void
away_json_put(struct json *j, const struct query_away *away, int64_t now_ms)
{
    json_object(j);
    json_key(j, "id");
    s_put_id(j, away->host);
    json_key(j, "name");
    json_str(j, away->name);
    json_key(j, "state");
    json_str(j, "refused");
    json_key(j, "reason");
    json_str(j, away_cause_str(away->cause));
    json_key(j, "why");
    json_str(j, away_cause_why(away->cause));
    json_key(j, "key");
    json_str(j, away->key);
    json_key(j, "address");
    json_str(j, away->address);
    json_key(j, "first_ms");
    json_int(j, away->first_ms);
    json_key(j, "last_ms");
    json_int(j, away->last_ms);
    json_key(j, "times");
    json_uint(j, away->times);
    json_key(j, "start");
    s_put_id(j, away->nonce);
    json_key(j, "ago_ms");
    json_int(j, now_ms > away->last_ms ? now_ms - away->last_ms : 0);
    json_object_end(j);
}
