// away_json - an agent that was sent away, as JSON: what the dashboard's API and `zpulse hosts`
// both say.
//
// Out: one object; its members stand in dashboard/API.md, "Refused".

#ifndef SHARED_WIRE_AWAY_JSON_H
#define SHARED_WIRE_AWAY_JSON_H

#include "shared/base/json.h"
#include "shared/wire/query_away.h"

// `now_ms` is the clock by which it is said how long ago that was.
void away_json_put(struct json *j, const struct query_away *away, int64_t now_ms);

#endif
