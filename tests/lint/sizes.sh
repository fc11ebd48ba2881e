#!/bin/sh
# sizes - files of 100 to 500 lines, functions of a screen. Prints what is larger; 1 if any is.
#
# Past 500 lines a file says why at its top (a comment with the word "lines"); past 700 it is split.
# A function has at most 60 lines, but for those in sizes.allow, each with its reason.
set -eu
cd "$(dirname "$0")/../.."
bad=0
ours() { # PATTERN...
    find shared agent collector dashboard tests -name node_modules -prune -o -type f \( "$@" \) -print | sort
}
for f in $(ours -name '*.c' -o -name '*.h' -o -name '*.ts' -o -name '*.tsx' -o -name '*.mjs' -o -name '*.sh'); do
    n=$(wc -l <"$f")
    if [ "$n" -gt 700 ]; then
        echo "$f: $n lines, more than 700: split it"
        bad=1
    elif [ "$n" -gt 500 ] && ! sed -n 1,30p "$f" | grep -qE '^[/ ]*[/*#].*\blines\b'; then
        echo "$f: $n lines, more than 500, and its head does not say why"
        bad=1
    fi
done

long=$(ours -name '*.c' | ctags -x --_xformat='%{end} %n %F %N' --kinds-C=f -L - |
    awk '$1 - $2 + 1 > 60 { print $3 ":" $4, $1 - $2 + 1 }')
allowed=tests/lint/sizes.allow
printf '%s\n' "$long" | while read -r function n; do
    [ -n "$function" ] || continue
    grep -q "^$function[[:space:]]" $allowed || echo "$function: $n lines, more than 60"
done >"${TMPDIR:-/tmp}/sizes.$$"
if [ -s "${TMPDIR:-/tmp}/sizes.$$" ]; then
    cat "${TMPDIR:-/tmp}/sizes.$$"
    bad=1
fi
rm -f "${TMPDIR:-/tmp}/sizes.$$"
exit $bad
