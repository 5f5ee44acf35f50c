#!/usr/bin/env bash
# Collects garbage where half of N objects is garbage: this catalog beside git, which has as many loose objects of the
# same size. Prints a line for each command: seconds, and the most memory in KiB.
#
#   benches/gc.sh [DIR] [N]    DIR: where to work, on the file system in question [a temporary directory]; N [100000]
#
# Both remove N/2 files for good and keep N/2. What differs: the catalog reads and hashes every object that it keeps,
# and what it removes stays away after a power cut; git prune looks up what refs name, and syncs nothing; git gc also
# packs what it keeps.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release
program="$PWD/target/release/engine-catalog"
dir=${1:-$(mktemp -d)}
count=${2:-100000}
half=$((count / 2))
mkdir -p "$dir"
cd "$dir"
dir=$PWD
rm -rf catalog git copy-* files blobs
export ENGINE_CATALOG_ROOT="$dir/catalog" GIT_DIR="$dir/git"

# Two builds of each version: the earlier one is garbage where only the last is kept.
entries() {
    seq -f '%.0f' 1 "$half" | awk -v ms="$1" '{
        printf "{\"id\":\"llamacpp:b%d\",\"engine\":\"engine%d\",\"version\":\"b%d\",", $1, $1 % 8, $1
        printf "\"artifacts\":[\"/opt/engines/b%d/llama-server\"],\"created_ms\":%s}\n", $1, ms
    }'
}
"$program" init 2>/dev/null
for ms in 1758240000000 1758240000001; do
    entries "$ms" | "$program" put >/dev/null 2>&1
done
printf '[[rule]]\nengine = "*"\nkeep-builds = 1\n' >"$ENGINE_CATALOG_ROOT/retention.toml"

test "$(find "$ENGINE_CATALOG_ROOT/objects" -type f | wc -l)" -eq $((2 * half))

# The objects of both sides have the same bytes.
git init --quiet --bare
git config gc.auto 0
find "$ENGINE_CATALOG_ROOT/objects" -type f | sort >files
git hash-object -w --stdin-paths <files >blobs
awk -v half="$half" 'NR <= half { printf "create refs/engines/b%d %s\n", NR, $1 }' blobs | git update-ref --stdin

# Each command on a copy of its own, with nothing left to be written.
copies=0
measure() {
    local of=$1 copy
    shift
    copies=$((copies + 1))
    copy="$dir/copy-$copies"
    cp -a "$of" "$copy"
    sync -f .
    ENGINE_CATALOG_ROOT=$copy GIT_DIR=$copy \
        /usr/bin/time -f "%e s  %M KiB  $(basename "$1") ${*:2}" "$@" >/dev/null 2>log
    tail -1 log
    echo "       $(find "$copy/objects" -type f -path '*/??/*' | wc -l) loose objects left"
}
measure catalog "$program" gc --grace 0s
measure catalog "$program" gc --grace 0s --apply
measure git git prune --expire=now
measure git git gc --quiet --prune=now
rm -rf copy-*
