// ledger - see the header.
//
// Numbers travel in the order of the struct, as varints: most causes are 0 for ever, and a PING
// goes each second.

#include "shared/model/ledger.h"

uint64_t
ledger_lost(const struct ledger *ledger)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < LOST_CAUSES; i++)
        sum += ledger->lost[i];
    return sum;
}

uint64_t
ledger_missed(const struct ledger *ledger)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < MISSED_CAUSES; i++)
        sum += ledger->missed[i];
    return sum;
}

bool
ledger_balanced(const struct ledger *ledger)
{
    return ledger->produced == ledger->acked + ledger->pending + ledger_lost(ledger);
}

const char *
lost_cause_str(unsigned cause)
{
    static const char *const names[] = {
        [LOST_QUEUE] = "queue",         [LOST_SPOOL_BYTES] = "spool-bytes",
        [LOST_SPOOL_AGE] = "spool-age", [LOST_DISK_FULL] = "disk-full",
        [LOST_POWER_CUT] = "power-cut", [LOST_COLLECTOR] = "collector-lost",
        [LOST_DAMAGE] = "damage",
    };

    return cause < LOST_CAUSES ? names[cause] : "unknown";
}

const char *
missed_cause_str(unsigned cause)
{
    static const char *const names[] = {
        [MISSED_DOWN] = "down",
        [MISSED_HUNG] = "hung",
        [MISSED_SUSPENDED] = "suspended",
    };

    return cause < MISSED_CAUSES ? names[cause] : "unknown";
}

void
ledger_put(struct wbuf *w, const struct ledger *ledger)
{
    wbuf_varint(w, ledger->produced);
    wbuf_varint(w, ledger->acked);
    wbuf_varint(w, ledger->pending);
    for (unsigned i = 0; i < LOST_CAUSES; i++)
        wbuf_varint(w, ledger->lost[i]);
    wbuf_varint(w, ledger->elsewhere);
    wbuf_varint(w, ledger->refused);
    for (unsigned i = 0; i < MISSED_CAUSES; i++)
        wbuf_varint(w, ledger->missed[i]);
}

int
ledger_take(struct rbuf *r, struct ledger *ledger)
{
    ledger->produced = rbuf_varint(r);
    ledger->acked = rbuf_varint(r);
    ledger->pending = rbuf_varint(r);
    for (unsigned i = 0; i < LOST_CAUSES; i++)
        ledger->lost[i] = rbuf_varint(r);
    ledger->elsewhere = rbuf_varint(r);
    ledger->refused = rbuf_varint(r);
    for (unsigned i = 0; i < MISSED_CAUSES; i++)
        ledger->missed[i] = rbuf_varint(r);
    return rbuf_rc(r);
}
