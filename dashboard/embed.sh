#!/bin/sh
# embed - the files of the page as an assembler file and a table in C.
#
# embed.sh PAGE OUT     every file below PAGE, under its address, into OUT/assets.c (the table of
#                       dashboard/page_files.h) and OUT/asset_bytes.S (the bytes: as they are, and
#                       compressed with a header that says nothing of the time)
set -eu
page=${1:?usage: embed.sh PAGE OUT} out=${2:?usage: embed.sh PAGE OUT}

[ -f "$page/index.html" ] || { echo "embed.sh: $page: no index.html there" >&2; exit 1; }
mkdir -p "$out/gz"
files=$(cd "$page" && find . -type f ! -name '.*' | sed 's|^\./||' | LC_ALL=C sort)

type_of() {
    case $1 in
    *.html) echo 'text/html; charset=utf-8' ;;
    *.js) echo 'text/javascript; charset=utf-8' ;;
    *.css) echo 'text/css; charset=utf-8' ;;
    *.svg) echo 'image/svg+xml' ;;
    *.json) echo 'application/json' ;;
    *.webmanifest) echo 'application/manifest+json' ;;
    *.png) echo 'image/png' ;;
    *.ico) echo 'image/x-icon' ;;
    *.woff2) echo 'font/woff2' ;;
    *.txt) echo 'text/plain; charset=utf-8' ;;
    *) echo 'application/octet-stream' ;;
    esac
}

# A name becomes text in both files: only letters that mean nothing there.
for file in $files; do
    case $file in
    *[!A-Za-z0-9._/-]*) echo "embed.sh: $file: a name of other letters than A-Za-z0-9._-" >&2; exit 1 ;;
    esac
done

bytes() { # NAME FILE: NAME and NAME_end around what FILE holds
    printf '.balign 16\n.global %s\n.global %s_end\n%s:\n.incbin "%s"\n%s_end:\n' \
        "$1" "$1" "$1" "$2" "$1"
}

{
    echo '// Made by embed.sh: the bytes of the page.'
    echo '.section .rodata'
    n=0
    for file in $files; do
        gzip -9nc "$page/$file" >"$out/gz/$n"
        bytes "asset_raw_$n" "$page/$file"
        bytes "asset_gz_$n" "$out/gz/$n"
        n=$((n + 1))
    done
    echo '.section .note.GNU-stack,"",%progbits'
} >"$out/asset_bytes.S"

{
    echo '// Made by embed.sh: the table of the page.'
    echo '#include "dashboard/page_files.h"'
    n=0
    for file in $files; do
        echo "extern const uint8_t asset_raw_$n[], asset_gz_$n[];"
        n=$((n + 1))
    done
    echo 'const struct page_asset page_assets[] = {'
    n=0
    for file in $files; do
        etag=$(sha256sum "$page/$file" | cut -c1-32)
        echo "    { .path = \"/$file\", .type = \"$(type_of "$file")\","
        echo "      .etag = \"\\\"$etag\\\"\", .gz_etag = \"\\\"$etag-gzip\\\"\","
        echo "      .raw = asset_raw_$n, .raw_len = $(wc -c <"$page/$file"),"
        echo "      .gz = asset_gz_$n, .gz_len = $(wc -c <"$out/gz/$n") },"
        n=$((n + 1))
    done
    echo '};'
    echo "const size_t page_assets_count = $n;"
} >"$out/assets.c"
