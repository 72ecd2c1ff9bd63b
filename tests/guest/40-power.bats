# shellcheck disable=SC2154  # bats sets status, output, stderr

# Run by `scripts/guest power`, outside: machines that are killed (kill -9 of QEMU) at random
# times while they work, on one disk.

guest() {
	run "$BATS_TEST_DIRNAME/../../scripts/guest" "$@" 3>&-
	((status == 0)) || {
		echo "$* (cut $n): $output" >&2
		return 1
	}
}

@test "power: a machine is killed again and again, and all that was acknowledged is there (C14)" {
	local n

	guest power_begin
	for ((n = 1; n <= ${GUEST_CUTS:-20}; n++)); do
		guest power_cut $((RANDOM % 45))
	done
	guest power_end
	echo "# $((n - 1)) cuts, $(wc -l <"$BATS_TEST_DIRNAME"/../../build/guest/*/power.acks) acknowledgements" >&3
}
