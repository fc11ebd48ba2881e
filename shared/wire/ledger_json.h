// ledger_json - a host's ledger as JSON: what the dashboard's API and `zpulse ledger` both say.
//
// Out: one object; its members stand in dashboard/API.md, "Ledger".

#ifndef SHARED_WIRE_LEDGER_JSON_H
#define SHARED_WIRE_LEDGER_JSON_H

#include "shared/base/json.h"
#include "shared/wire/query_ledger.h"

void ledger_json_put(struct json *j, const struct query_ledger *ledger);

#endif
