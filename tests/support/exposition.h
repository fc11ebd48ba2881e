// exposition - reads Prometheus' text format 0.0.4 as strictly as a scraper does.

#ifndef TESTS_SUPPORT_EXPOSITION_H
#define TESTS_SUPPORT_EXPOSITION_H

#include <stddef.h>

// NULL if it is well formed: each line a comment or `name{labels} value [time]`, all samples of a
// name together and after its TYPE, no series twice, a line feed at the end. Else the first line
// that is not, in `fault`.
const char *exposition_fault(const char *text, char *fault, size_t size);
unsigned exposition_samples(const char *text);
// The value of the first sample of `series`, a name or name{label="value"}; a line may have more
// labels than those asked for. NAN where there is none.
double exposition_value(const char *text, const char *series);

#endif
