// doctor_print - what a doctor found, for people and as JSON.
//
// Out:    findings first, then the numbers in sections; of lists the first DOCTOR_TOP lines.
//         JSON: one object; README.md, "Is it well?" says which members.
// Thread: pure.

#ifndef COLLECTOR_CTL_DOCTOR_PRINT_H
#define COLLECTOR_CTL_DOCTOR_PRINT_H

#include "collector/ctl/doctor_facts.h"
#include "shared/base/buf.h"
#include "shared/base/json.h"

#define DOCTOR_TOP 10

// `label`: whose values were counted.
void doctor_put_text(struct buf *out, const struct doctor_facts *facts, const char *label);
void doctor_put_findings(struct buf *out, const struct findings *findings);
// Members of an object that is open.
void doctor_put_json(struct json *j, const struct doctor_facts *facts, const char *label);
void doctor_put_findings_json(struct json *j, const struct findings *findings);

#endif
