// uname - which kernel this is, and what the machine calls itself.
//
// Source: /proc/sys/kernel, Documentation/admin-guide/sysctl/kernel.rst: the answers of uname(2), a
//         line each. The machine's type stands only in uname(2) itself.
// Out:    node_uname_info{sysname,release,version,machine,nodename,domainname}, always 1. Another
//         host name is another series.

#ifndef AGENT_PROC_UNAME_H
#define AGENT_PROC_UNAME_H

#include "agent/proc/proc_family.h"

extern const struct proc_family uname_family;

#endif
