// hwmon_name - see the header.

#include "agent/proc/hwmon_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/str.h"

// The types that are told.
static const char *const types[] = {
    "vrm",  "beep_enable", "update_interval", "in",     "cpu",      "fan",       "pwm",
    "temp", "curr",        "power",           "energy", "humidity", "intrusion",
};

// How a property is told; the first rule that fits. NULL fits anything.
static const struct rule {
    const char *type;
    const char *property;
    const char *name;   // instead of node_hwmon_TYPE and the property; or NULL
    const char *suffix; // behind it
    uint8_t exponent;
    const char *help;
} rules[] = {
    // Whole sensors that are one file.
    { "beep_enable", "", "beep_enabled", "", 0, "Hardware beep enabled" },
    { "beep_enable", NULL, "", "", 0, NULL },
    { "vrm", "", "voltage_regulator_version", "", 0, "Hardware voltage regulator" },
    { "vrm", NULL, "", "", 0, NULL },
    { "update_interval", "", "update_interval_seconds", "", 3, "Hardware monitor update interval" },
    { "update_interval", NULL, "", "", 0, NULL },
    // Words, not numbers.
    { NULL, "label", "", "", 0, NULL },
    // What has no unit.
    { NULL, "fault", NULL, "", 0, "Hardware sensor fault status" },
    { NULL, "alarm", NULL, "", 0, "Hardware sensor alarm status" },
    { NULL, "beep", NULL, "_enabled", 0, "Hardware monitor sensor has beeping enabled" },
    // What has one.
    { "in", NULL, NULL, "_volts", 3, "Hardware monitor for voltage" },
    { "cpu", NULL, NULL, "_volts", 3, "Hardware monitor for voltage" },
    { "temp", "type", NULL, "", 0, "Hardware monitor temp element type" },
    { "temp", NULL, NULL, "_celsius", 3, "Hardware monitor for temperature" },
    { "curr", NULL, NULL, "_amps", 3, "Hardware monitor for current" },
    { "energy", NULL, NULL, "_joule_total", 6, "Hardware monitor for joules used so far" },
    { "power", "accuracy", NULL, "", 6, "Hardware monitor power meter accuracy, as a ratio" },
    { "power", "average_interval", NULL, "_seconds", 3,
      "Hardware monitor power usage update interval" },
    { "power", "average_interval_min", NULL, "_seconds", 3,
      "Hardware monitor power usage update interval" },
    { "power", "average_interval_max", NULL, "_seconds", 3,
      "Hardware monitor power usage update interval" },
    { "power", NULL, NULL, "_watt", 6, "Hardware monitor for power usage in watts" },
    { "humidity", NULL, NULL, "", 6, "Hardware monitor for humidity, as a ratio" },
    { "fan", "input", NULL, "_rpm", 0, "Hardware monitor for fan revolutions per minute" },
    { "fan", "min", NULL, "_rpm", 0, "Hardware monitor for fan revolutions per minute" },
    { "fan", "max", NULL, "_rpm", 0, "Hardware monitor for fan revolutions per minute" },
    { "fan", "target", NULL, "_rpm", 0, "Hardware monitor for fan revolutions per minute" },
    // As it is.
    { NULL, NULL, NULL, "", 0, "Hardware monitor element" },
};

static const char *
s_type(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i]) == len && memcmp(types[i], name, len) == 0)
            return types[i];
    return NULL;
}

// As node_exporter's expression ^([^0-9]+)([0-9]*)(_(.+))?$ reads it, greedy from the left: where
// nothing fits behind the digits, the type ends at an underscore before them.
bool
hwmon_name_split(struct hwmon_file *ret, const char *name)
{
    const size_t letters = strcspn(name, "0123456789");
    const size_t digits = strspn(name + letters, "0123456789");
    const char *rest = name + letters + digits;
    size_t type = letters;
    uint64_t number = 0;

    if (*rest == '\0') {
        ret->property = rest;
    } else if (digits > 0 && rest[0] == '_' && rest[1] != '\0') {
        ret->property = rest + 1;
    } else {
        while (type > 1 && name[type - 1] != '_')
            type--;
        if (type <= 1)
            return false;
        ret->property = name + type;
        type--;
    }
    if (type == letters && digits > 0 &&
        (str_u64(&number, name + letters, digits) < 0 || number > UINT32_MAX))
        return false;
    ret->number = (uint32_t) number;
    ret->type = s_type(name, type);
    return ret->type != NULL;
}

void
hwmon_name_clean(char ret[HWMON_WORD_SIZE], const char *text, size_t len)
{
    size_t n = 0;

    while (len > 0 && n < HWMON_WORD_SIZE - 1) {
        const char c = (char) tolower((unsigned char) *text);
        size_t character = str_utf8_len(text, len);

        character = character > 0 ? character : 1;
        ret[n++] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' ? c : '_';
        text += character;
        len -= character;
    }
    while (n > 0 && ret[n - 1] == '_')
        n--;
    ret[n] = '\0';
    n = strspn(ret, "_");
    memmove(ret, ret + n, strlen(ret + n) + 1);
}

static bool
s_fits(const char *rule, const char *word)
{
    return rule == NULL || strcmp(rule, word) == 0;
}

bool
hwmon_name_metric(struct hwmon_metric *ret, const struct hwmon_file *file, bool has_bare)
{
    const struct rule *rule = rules;
    char property[HWMON_WORD_SIZE];
    int n;

    while (!s_fits(rule->type, file->type) || !s_fits(rule->property, file->property))
        rule++;
    if (rule->help == NULL)
        return false;
    // The input is the value itself, unless the sensor has a file that is it already.
    hwmon_name_clean(property, file->property, strlen(file->property));
    if (rule->name != NULL)
        n = snprintf(ret->name, sizeof ret->name, "node_hwmon_%s", rule->name);
    else if (file->property[0] == '\0' || (strcmp(file->property, "input") == 0 && !has_bare))
        n = snprintf(ret->name, sizeof ret->name, "node_hwmon_%s%s", file->type, rule->suffix);
    else
        n = snprintf(ret->name, sizeof ret->name, "node_hwmon_%s_%s%s", file->type, property,
                     rule->suffix);
    ret->kind = strcmp(file->type, "energy") == 0 ? METRIC_COUNTER : METRIC_GAUGE;
    ret->exponent = rule->exponent;
    ret->help = rule->help;
    return n > 0 && (size_t) n < sizeof ret->name;
}

void
hwmon_name_chip(char ret[HWMON_CHIP_SIZE], const char *device)
{
    const char *name = strrchr(device, '/');
    const char *type = name;
    char word[HWMON_WORD_SIZE];

    ret[0] = '\0';
    if (name == NULL)
        return;
    while (type > device && type[-1] != '/')
        type--;
    hwmon_name_clean(word, name + 1, strlen(name + 1));
    if (word[0] == '\0')
        return;
    hwmon_name_clean(ret, type, (size_t) (name - type));
    if (ret[0] != '\0')
        strcat(ret, "_");
    strcat(ret, word);
}
