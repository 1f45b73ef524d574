#!/bin/sh
# Runs every target for the given number of seconds. Stops at the first failure.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
export RUSTFLAGS="--cfg rowfeed_fuzzing"
for target in dune_rows lightdash_rows yandex_rows yql_type trino_type pages bodies error_bodies raw_rows \
    csv_pages cursors documents; do
    mkdir -p "corpus-found/$target"
    cargo +nightly fuzz run --sanitizer none --debug-assertions --features xtask "$target" \
        "corpus-found/$target" "corpus/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1
done
