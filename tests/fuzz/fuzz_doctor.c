// fuzz_doctor - any answers of a collector, judged and put as text and as JSON.
//
// Input: replies, each behind a varint length, as query_take_reply takes them.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "collector/ctl/doctor_judge.h"
#include "collector/ctl/doctor_print.h"
#include "shared/base/xalloc.h"
#include "shared/wire/query_msg.h"

#define ITEMS_MAX 20u

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_take(struct doctor_facts *facts, const struct query_reply *reply, struct rbuf *r)
{
    facts->now_ms = reply->now_ms;
    facts->collector = reply->collector;
    for (uint32_t i = 0; i < reply->n && i < ITEMS_MAX && rbuf_rc(r) == 0; i++) {
        struct query_ledger ledger;
        struct query_count count;
        struct host_info host;

        if (reply->type == QUERY_STATUS) {
            (void) query_take_number(r, &facts->numbers);
        } else if (reply->type == QUERY_HOSTS && host_info_take(r, &host) == 0) {
            facts->hosts = xrealloc(facts->hosts, facts->n_hosts + 1, sizeof *facts->hosts);
            facts->hosts[facts->n_hosts++] = host;
        } else if (reply->type == QUERY_LEDGER && query_take_ledger(r, &ledger) == 0) {
            facts->ledgers = xrealloc(facts->ledgers, facts->n_ledgers + 1, sizeof *facts->ledgers);
            facts->ledgers[facts->n_ledgers++] = ledger;
        } else if (reply->type == QUERY_CARDINALITY && query_take_count(r, &count) == 0) {
            facts->counts = xrealloc(facts->counts, facts->n_counts + 1, sizeof *facts->counts);
            facts->counts[facts->n_counts++] = count;
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct doctor_facts facts = { 0 };
    struct findings findings = { 0 };
    struct buf out = { 0 };
    struct rbuf in;
    struct json j;

    rbuf_init(&in, at, n);
    while (rbuf_rc(&in) == 0 && rbuf_left(&in) > 0) {
        const size_t len = (size_t) rbuf_count(&in, rbuf_left(&in));
        const uint8_t *bytes = rbuf_bytes(&in, len);
        struct query_reply reply;
        struct rbuf r;

        if (bytes != NULL && query_take_reply(&reply, &r, bytes, len) == 0)
            s_take(&facts, &reply, &r);
    }
    doctor_judge(&facts, &findings);
    doctor_put_findings(&out, &findings);
    doctor_put_text(&out, &facts, "BY __name__");
    json_init(&j, &out);
    json_object(&j);
    doctor_put_findings_json(&j, &findings);
    doctor_put_json(&j, &facts, "__name__");
    json_object_end(&j);
    findings_release(&findings);
    doctor_facts_release(&facts);
    buf_release(&out);
    return 0;
}
