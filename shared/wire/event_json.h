// event_json - an event of a host as JSON: what /api/v1/events has of it, and the stream's `note`.
//
// Source: dashboard/API.md, "Events".

#ifndef SHARED_WIRE_EVENT_JSON_H
#define SHARED_WIRE_EVENT_JSON_H

#include "shared/base/json.h"
#include "shared/wire/host_event.h"

// Members of an object that the caller has begun.
void event_json_put(struct json *j, const struct host_event *event);

#endif
