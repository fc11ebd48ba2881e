// event_json - see the header.

#include "shared/wire/event_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "shared/base/str.h"

// 16 hex digits, "-", a seq.
#define ID_SIZE 40

void
event_json_put(struct json *j, const struct host_event *event)
{
    char host[STR_HEX64_SIZE], stream[STR_HEX64_SIZE], id[ID_SIZE];

    snprintf(id, sizeof id, "%s-%" PRIu64, str_hex64_put(stream, event->stream), event->seq);
    json_key(j, "id");
    json_str(j, id);
    json_key(j, "t");
    json_int(j, event->time_ms);
    json_key(j, "host");
    json_str(j, str_hex64_put(host, event->host));
    json_key(j, "kind");
    json_strn(j, event->kind, event->kind_len);
    json_key(j, "severity");
    json_str(j, event_severity_str(event->severity));
    json_key(j, "text");
    json_strn(j, event->text, event->text_len);
    json_key(j, "fields");
    json_object(j);
    for (size_t i = 0; i < event->fields.count; i++) {
        json_key(j, event->fields.at[i].name);
        json_str(j, event->fields.at[i].value);
    }
    json_object_end(j);
}
