#!/bin/sh
# Put what goes to Function Compute into deploy/fc/code, and say what it would refuse or regret.
set -eu
cd "$(dirname "$0")"
zip=../../dist/queqiao-fc.zip

[ -f "$zip" ] || { echo "stage: $zip is not there: run make dist" >&2; exit 1; }
rm -rf code
mkdir code
if command -v unzip >/dev/null 2>&1; then unzip -q "$zip" -d code; else python3 -m zipfile -e "$zip" code; fi
chmod 755 code/bootstrap

[ -n "${GEMINI_API_KEY:-}" ] || echo "stage: GEMINI_API_KEY is not set: every client must bring its own key" >&2
[ -n "${AUTH_TOKEN:-}" ] || echo "stage: AUTH_TOKEN is not set: with keys on the server nobody will be let in" >&2
size=$(printf 'GEMINI_API_KEY%sAUTH_TOKEN%s' "${GEMINI_API_KEY:-}" "${AUTH_TOKEN:-}" | wc -c)
if [ "$size" -gt 4096 ]; then
    echo "stage: the variables have $size bytes; Function Compute takes 4096: put the keys into a file," >&2
    echo "stage: deploy/fc/keys, and set GEMINI_API_KEYS_FILE=/code/keys instead of GEMINI_API_KEY" >&2
    exit 1
fi
if [ -f keys ]; then
    cp keys code/keys
    chmod 600 code/keys
fi
