// api - the functions behind the paths of API.md: begin, and what follows the collector's answer.

#ifndef DASHBOARD_API_H
#define DASHBOARD_API_H

#include "dashboard/exchange.h"

exchange_begin_fn api_hosts;
exchange_answer_fn api_hosts_answer;

exchange_begin_fn api_ledger;
exchange_answer_fn api_ledger_answer;

exchange_begin_fn api_refused;
exchange_answer_fn api_refused_answer;

exchange_begin_fn api_events;
exchange_answer_fn api_events_answer;

exchange_begin_fn api_summary;
exchange_answer_fn api_summary_answer;

exchange_begin_fn api_stream;
exchange_answer_fn api_stream_answer;

#define API_FEED_PATH "/feed"
exchange_begin_fn api_feed;
exchange_answer_fn api_feed_answer;

exchange_begin_fn api_view;
exchange_answer_fn api_view_answer;

exchange_begin_fn api_hist;
exchange_answer_fn api_hist_answer;

exchange_begin_fn api_metrics;
exchange_answer_fn api_metrics_answer;

exchange_begin_fn api_collector;

exchange_begin_fn api_healthy;
exchange_begin_fn api_ready;

// The host of a view: parameters view and h. NULL: then *rc is what the handler returns.
char *api_view_host(exchange_t *x, enum MHD_Result *rc);
// The number in BOOT-SEQ, of this boot; else 0.
uint64_t api_event_number(const exchange_t *x, const char *text);
// The parameter, for free(), in *ret (NULL where there is none). False if its escapes are wrong:
// then *rc is what the handler returns.
bool api_param(exchange_t *x, const char *name, char **ret, enum MHD_Result *rc);
// The same for one that must be there.
bool api_param_needed(exchange_t *x, const char *name, char **ret, enum MHD_Result *rc);
// The same for a number from `least` to `most`, or what `rule` calls it. *value stays as it is
// where the parameter is missing.
bool api_number(exchange_t *x, const char *name, uint64_t least, uint64_t most, const char *rule,
                uint64_t *value, enum MHD_Result *rc);
// The same for a time.
#define API_TIME_MAX_MS INT64_C(4102444800000) // 2100-01-01: later is a slip of units
bool api_time(exchange_t *x, const char *name, uint64_t *value, enum MHD_Result *rc);

#endif
