// away_json - see the header.

#include "shared/wire/away_json.h"

#include "shared/base/str.h"

void
away_json_put(struct json *j, const struct query_away *away)
{
    char id[STR_HEX64_SIZE];

    json_object(j);
    json_key(j, "id");
    if (away->host != 0)
        json_str(j, str_hex64_put(id, away->host));
    else
        json_null(j);
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
    json_object_end(j);
}
