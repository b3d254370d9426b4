#!/usr/bin/env bash
# What a power cut leaves of a spool. A program writes to a spool on a small ext4
# file system in a file, is stopped in the middle, and the file is copied: it holds
# what reached the "disk", and not what the kernel had still to write. The copy is
# mounted, which replays its journal, and must hold all that was acknowledged.
# ROUNDS (default 20) cuts are made under SyncAlways, and then up to as many under
# SyncNever, of which one must lose something: or this would test nothing.
# It needs root, and a kernel that allows loop devices.
set -euo pipefail

rounds=${ROUNDS:-20}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
scratch=$(mktemp -d)
disk=$scratch/disk
copy=$scratch/copy
writer=

cleanup() {
	[[ -z $writer ]] || kill -9 "$writer" 2>/dev/null || true
	umount "$copy" 2>/dev/null || true
	umount "$disk" 2>/dev/null || true
	rm -rf "$scratch"
}
trap cleanup EXIT

unable() {
	echo "powercut: nothing was tested: $1" >&2
	exit 2
}

(cd "$here" && go build -o "$scratch/powercut" .)
mkdir "$disk" "$copy"

# fresh makes an empty disk. Its journal is committed by fsync alone, so that
# nothing is written while it is copied.
fresh() {
	umount "$disk" 2>/dev/null || true
	rm -f "$scratch/disk.img" "$scratch/log"
	truncate -s 64M "$scratch/disk.img"
	mkfs.ext4 -q -F "$scratch/disk.img" || unable "there is no mkfs.ext4"
	mount -o loop,commit=600 "$scratch/disk.img" "$disk" || unable "this machine does not allow to mount a loop device; run it as root where it does"
	sync -f "$disk"
}

# cut POLICY writes for a moment, cuts the power, and checks what is left.
cut() {
	local status=0 before=0
	touch "$scratch/log"
	before=$(wc -l <"$scratch/log")
	"$scratch/powercut" write "$1" "$disk/spool" "$scratch/log" &
	writer=$!
	until (($(wc -l <"$scratch/log") > before + 5)); do
		kill -0 "$writer" 2>/dev/null || { echo "the writer ended by itself" >&2; exit 1; }
	done
	sleep "0.$((RANDOM % 50 + 10))"
	kill -STOP "$writer"
	until [[ $(awk '{ print $3 }' "/proc/$writer/stat") == T ]]; do :; done
	cp --sparse=always "$scratch/disk.img" "$scratch/copy.img"
	cp "$scratch/log" "$scratch/copy.log"
	kill -9 "$writer"
	wait "$writer" 2>/dev/null || true
	writer=
	mount -o loop "$scratch/copy.img" "$copy"
	"$scratch/powercut" check "$copy/spool" "$scratch/copy.log" || status=$?
	umount "$copy"
	return $status
}

fresh
for ((round = 1; round <= rounds; round++)); do
	cut always || { echo "powercut: round $round: SyncAlways broke its promise" >&2; exit 1; }
done

for ((round = 1; round <= rounds; round++)); do
	fresh
	if ! cut never 2>/dev/null; then
		echo "powercut: $rounds cuts under SyncAlways lost nothing; one under SyncNever did, as it may"
		exit 0
	fi
done
unable "SyncNever lost nothing either, so that what was copied is not what a power cut leaves"
