// doctor_judge - what of a collector's facts is wrong, and what to do.
//
// A finding is for who can do something about it: what a busy fleet does on any day is none.
// Thread: pure.

#ifndef COLLECTOR_CTL_DOCTOR_JUDGE_H
#define COLLECTOR_CTL_DOCTOR_JUDGE_H

#include "collector/ctl/doctor_facts.h"

#define DOCTOR_CLOCK_MS    1000                    // a clock that is further off is wrong
#define DOCTOR_LOST_MS     (24 * INT64_C(3600000)) // what was lost before is history
#define DOCTOR_STARTING_MS 60000                   // for so long a collector may be at its replay
#define DOCTOR_COMMIT_MS   120000                  // tiles that wait for longer are stuck
#define DOCTOR_FLOOD       10000                   // series made within an hour; fewer are no flood
#define DOCTOR_FREE_LEAST  (256u * 1024u * 1024u)  // bytes of a disk
#define DOCTOR_FULL_DAYS   30                      // a disk that is full later can be waited for
#define DOCTOR_HOSTS_MOST  5                       // findings of one kind about hosts

void doctor_judge(const struct doctor_facts *facts, struct findings *ret);

#endif
