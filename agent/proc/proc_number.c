// proc_number - see the header.

#include "agent/proc/proc_number.h"

#include "shared/base/err.h"

#define SAFE_DIGITS     18 // decimal digits that cannot overflow 63 bits
#define SAFE_HEX_DIGITS 15 // the same in base 16
#define LOWEST          ((uint64_t) INT64_MAX + 1)
#define NO_DIGIT        16

static bool
s_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *
s_after_blanks(const struct proc_text *line)
{
    const char *c = line->at;

    while (c < line->end && s_is_blank(*c))
        c++;
    return c;
}

int
proc_number_take(struct proc_text *line, struct proc_number *ret)
{
    const char *c = s_after_blanks(line);
    const char *first;
    uint64_t value = 0;
    bool negative;

    if (c == line->end) {
        line->at = c;
        return 0;
    }
    negative = *c == '-';
    c += negative;
    first = c;
    for (; c < line->end && (uint8_t) (*c - '0') <= 9; c++) {
        const uint8_t digit = (uint8_t) (*c - '0');

        if (c - first >= SAFE_DIGITS && value > (UINT64_MAX - digit) / 10)
            return ERR_FORMAT;
        value = value * 10 + digit;
    }
    if (c == first || (c < line->end && !s_is_blank(*c)) || (negative && value > LOWEST))
        return ERR_FORMAT;
    line->at = c;
    *ret = (struct proc_number){ .magnitude = value, .negative = negative };
    return 1;
}

static unsigned
s_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned) (c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned) (c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned) (c - 'A') + 10 : NO_DIGIT;
}

int
proc_number_take_hex(struct proc_text *line, struct proc_number *ret)
{
    const char *c = s_after_blanks(line);
    const char *const first = c;
    uint64_t value = 0;

    for (; c < line->end; c++) {
        const unsigned digit = s_hex_digit(*c);

        if (digit == NO_DIGIT)
            break;
        if (c - first >= SAFE_HEX_DIGITS && value >> 60 != 0)
            return ERR_FORMAT;
        value = value << 4 | digit;
    }
    if (c < line->end && !s_is_blank(*c))
        return ERR_FORMAT;
    line->at = c;
    if (c == first)
        return 0;
    *ret = (struct proc_number){ .magnitude = value };
    return 1;
}

void
proc_number_set(series_table_t *table, uint32_t slot, struct proc_number number)
{
    if (number.magnitude <= INT64_MAX)
        series_table_set(table, slot,
                         number.negative ? -(int64_t) number.magnitude
                                         : (int64_t) number.magnitude);
    else
        series_table_set_double(
            table, slot, number.negative ? -(double) number.magnitude : (double) number.magnitude);
}
