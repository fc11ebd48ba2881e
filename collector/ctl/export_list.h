// export_list - the series of an export, in the order in which it writes them.
//
// In:     label sets, as a collector lists them.
// Out:    series by family, name, instance and labels; each once, whoever holds it.
// Source: OpenMetrics 1.0, "Metric Family": a counter's samples end in _total and its family does
//         not; an info's likewise in _info. A name that breaks that, has two kinds, or whose family
//         is another's name, is of type unknown, and its own family.
// Thread: one owner. Pure.

#ifndef COLLECTOR_CTL_EXPORT_LIST_H
#define COLLECTOR_CTL_EXPORT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/map.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"

struct export_series {
    char *text;       // name{a="b"}
    char *name;       // __name__
    char *instance;   // "" where there is none
    char *family;     // of `name`
    const char *type; // as OpenMetrics says it
    struct label_set labels;
    enum metric_kind kind;
};

// A value: zero is empty. Holds memory: export_list_release.
struct export_list {
    struct export_series *at;
    size_t n;
    size_t size;  // allocated
    map_t *texts; // to be found again; NULL while empty
};

// Copies.
void export_list_add(struct export_list *list, const struct label_set *labels,
                     enum metric_kind kind);
// After the last one: sorts. Without `families` each name is a family of its own, so that the order
// does not depend on kinds, which CSV does not tell.
void export_list_finish(struct export_list *list, bool families);
void export_list_release(struct export_list *list);
// One past the last series that has name and instance of the one at `first`.
size_t export_list_unit(const struct export_list *list, size_t first);

#endif
