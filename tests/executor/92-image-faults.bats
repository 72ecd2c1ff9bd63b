# shellcheck shell=bash
# shellcheck disable=SC2154  # bats sets status, output, stderr
load sandbox

# The executor, or the helper that fetches, dies at each named step of a pull. Afterwards
# the store opens, nothing half made is in it, and the next pull goes on with what came.

setup_file() {
	[[ -n ${FAULTS-} ]] || return 0
	"$BATS_TEST_DIRNAME/../data/lying-registry" "$BATS_FILE_TMPDIR/port" \
		"$BATS_FILE_TMPDIR/log" 3>&- >/dev/null 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/pid"
}

teardown_file() {
	[[ ! -e $BATS_FILE_TMPDIR/pid ]] || kill "$(<"$BATS_FILE_TMPDIR/pid")" || true
}

setup() {
	requires_faults
	requires_program python3
	helpers_setup && own_executor
	eventually test -s "$BATS_FILE_TMPDIR/port"
	IMAGE=127.0.0.1:$(<"$BATS_FILE_TMPDIR/port")/good:v1
}

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

no_folders() {
	local have want

	have=$(find "$FAAS_STATE_DIR/env" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
	want=$("$FAAS" env list -q 3>&- | grep -vcx host)
	((have == want))
}

# pull_with <fault>: the pull that meets it fails; the next one does not
pull_with() {
	FAAS_FAULT=$1 "$FAAS" executor start >/dev/null 2>&1 3>&- || true
	FAAS_FAULT=$1 run timeout 60 "$FAAS" env pull "$IMAGE" --name x --platform linux/amd64 3>&-
	((status > 0 && status != 124)) || die "$1: the pull ended with $status: $output"
	"$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
	faas 3 env show x
	eventually no_folders
	faas env pull "$IMAGE" --name x --platform linux/amd64
	faas --json env show x
	has "$output" '"kind":"image"' "the next pull after $1"
	eventually no_folders
	same "$(ls -A "$FAAS_STATE_DIR/blobs/partial")" "" "partial blobs after $1"
	faas env delete x
	faas env prune
	faas executor stop
}

@test "env pull: a death at any step leaves nothing half made" {
	for point in image.fetch image.unpack oci.blob.write oci.blob.sync oci.blob.rename \
		store.environment.put; do
		pull_with "$point=KILL"
	done
}

@test "env pull: a disk that fills at any step leaves nothing half made" {
	for point in oci.blob.write oci.blob.sync oci.blob.rename store.environment.put; do
		pull_with "$point=ENOSPC"
	done
}
