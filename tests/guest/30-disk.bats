# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
# run-tests: alone
load ../helpers

# The power goes, and the disk has what a flush had made safe, and any part of the rest:
# dm-log-writes notes every write and flush of a real run, and each cut is a disk that is
# made from that (replay.py). FAAS_TEST_CUTS (12) says how many.

setup_file() {
	: "${FAAS_TEST_GUEST:?run this by 'make guest'}"
	modprobe dm-log-writes
	modprobe loop
}

teardown() {
	FAAS_STATE_DIR=$PWD/disk/state "$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
	umount disk 2>&1 || true
	dmsetup remove faas-log 2>&1 || true
	losetup -D
}

# mark <text>...: a line in the log
mark() {
	local words="$*"

	# it takes one word
	dmsetup message faas-log 0 mark "${words// /,}"
}
export -f mark

# record <rounds>: a run on a new disk; its log is in the file log
record() {
	local disk log

	truncate -s 256M data
	truncate -s 3G log
	disk=$(losetup -f --show data)
	log=$(losetup -f --show log)
	dmsetup create faas-log --table "0 $((256 * 2048)) log-writes $disk $log"
	mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 /dev/mapper/faas-log
	mkdir disk
	mount -o "${1}" /dev/mapper/faas-log disk
	mkdir -m 700 disk/state
	sync
	mark begin
	# tests ask for the same place
	FAAS_STATE_DIR=$PWD/disk/state "$BATS_TEST_DIRNAME/workload" "$2" bash -c 'mark "$1"' - 3>&-
	mark end
	FAAS_STATE_DIR=$PWD/disk/state "$FAAS" -q executor stop --now
	umount disk
	dmsetup remove faas-log
	losetup -D
}

# cut <entry> <seed>: the disk as it is then, and what has survived
cut() {
	"$BATS_TEST_DIRNAME/replay.py" make log "$1" "$2" -o cut
	truncate -s 256M cut
	mount -o loop cut disk
	awk -v n="$1" '$1 <= n { $1 = ""; print substr($0, 2) }' marks >acks
	run env FAAS_STATE_DIR="$PWD/disk/state" "$BATS_TEST_DIRNAME/survived" acks 3>&-
	FAAS_STATE_DIR=$PWD/disk/state "$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
	umount disk
	((status == 0)) || die "entry $1, seed $2, after $(wc -l <acks) acknowledgements" "$output"
}

# cuts <seed...>: at as many places as are asked for, from the first mark to the last
cuts() {
	local n=${FAAS_TEST_CUTS:-12} first last i seed at failed=0

	"$BATS_TEST_DIRNAME/replay.py" list log | tr , ' ' >marks
	first=$(sed -n 's/ begin$//p' marks)
	last=$(sed -n 's/ end$//p' marks)
	for ((i = 0; i < n; i++)); do
		case $1 in
		marks) at=$(sed 's/ .*//' marks | shuf -n 1 --random-source=<(yes $((i + 7)))) seed=0 ;;
		any) at=$((first + (last - first) * i / n)) seed=$((i + 1)) ;;
		esac
		((at >= first)) || at=$first
		cut "$at" "$seed" || { failed=$((failed + 1)); echo "$output" >&2; }
	done
	((failed == 0)) || die "$failed of $n cuts lost something"
}

@test "power: what was acknowledged is there when only what was flushed is (C15, S12)" {
	record defaults 2
	cuts marks
}

@test "power: and when any part of what was not flushed is there too, torn (C15, S12)" {
	record defaults 2
	cuts any
}
