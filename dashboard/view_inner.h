// view_inner - what view.c (the table) and view_row.c (the arithmetic) share.

#ifndef DASHBOARD_VIEW_INNER_H
#define DASHBOARD_VIEW_INNER_H

#include "dashboard/view.h"

#define VIEW_TERMS_MAX 5
#define VIEW_HITS_MAX  16 // terms of the table that one series can be part of

enum view_take { VIEW_VALUE, VIEW_RATE };
enum view_fold { VIEW_SUM, VIEW_MEAN };

// Series of one metric whose label has one of the values; taken with this sign.
struct view_term {
    int sign;
    bool optional; // counts as 0 where no series has a value
    const char *metric;
    const char *label;  // or NULL: any
    const char *values; // "a|b"
};

// A column: fold(take(series)) of each term, summed with signs, times scale.
struct view_def {
    const char *id;
    enum view_unit unit;
    enum view_take take;
    enum view_fold fold;
    double scale;
    double most; // 0: no limit. The kernel counts in ticks: a second may hold 102 of a core's 100
    const char *each; // or NULL; one column for each value of this label: id.VALUE
    struct view_term terms[VIEW_TERMS_MAX];
};

// A series is part of this term of this column.
struct view_hit {
    const struct view_def *def;
    uint32_t term;
    unsigned long instance; // of def->each
    char id[VIEW_ID_SIZE];  // of the column
};

// Every term of picked columns that the series is part of; returns how many.
size_t view_match(struct view_hit hits[VIEW_HITS_MAX], const struct view_pick *pick,
                  const struct label_set *labels);

#endif
