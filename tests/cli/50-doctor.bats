load ../helpers

# json <filter>: apply jq to $output; fails when it is not JSON
json() {
	jq -e -r "$1" <<<"$output"
}

# needs_namespaces: skip where not even the unsanitized program could enter one
needs_namespaces() {
	[[ ${SANITIZE-} != thread ]] || skip "the thread sanitizer's thread forbids user namespaces"
}

# What a check could leave behind; what other tests have in their folders is not looked at.
leftovers() {
	awk -v own="$PWD" 'index($5, own) || $5 !~ /^\/tmp\// { print $5 }' /proc/self/mountinfo
	find /sys/fs/cgroup -name 'faas-doctor*' 2>/dev/null
	find "$PWD" /tmp /var/lib -maxdepth 2 -name 'faas-doctor*' 2>/dev/null
	pgrep -f "^$FAAS .*doctor --state=$PWD/store" || true
	ip link show type tun 2>/dev/null || true
}

as_before() {
	[[ $(leftovers) == "$before" ]]
}

@test "doctor: shows every check, grouped, and what works" {
	needs_namespaces
	faas doctor --state=store
	has "$output" "CHECK" "header"
	for group in kernel cgroup network program state; do
		has "$output" "
$group:" "group"
	done
	same "$stderr" "" "stderr"
}

@test "doctor: --json is JSON with effect and fix in every row" {
	needs_namespaces
	faas --json doctor --state=store
	python3 -m json.tool <<<"$output" >/dev/null
	same "$(json .schema)" faas.v1 "schema"
	same "$(json '[.checks[] | select(.effect == "" or .fix == "" or .detail == "")] | length')" \
		0 "rows without effect, fix or detail"
	same "$(json '[.checks[].verdict] - ["ok", "missing", "degraded", "unknown"] | length')" \
		0 "verdicts that do not exist"
	(($(json '.checks | length') > 40)) || die "too few checks"
	same "$(json '.features[0].name')" execute "first feature"
	same "$(json '[.features[] | select(.usable != (.missing == []))] | length')" 0 \
		"features that are usable and miss something, or neither"
}

@test "doctor: a feature's checks are those that its rows name" {
	# 0 or 6: an ordinary user may have no cgroup to limit memory in
	run --separate-stderr timeout 60 "$FAAS" --json doctor limits.memory landlock 3>&-
	same "$(json '[.features[].name] | join(" ")')" "limits.memory landlock" "features"
	same "$(json '[.checks[].name] | join(" ")')" \
		"landlock landlock-scope cgroup2-memory cgroup1-memory" "checks"
}

@test "doctor: exit 6 when what was asked for is unusable, and the reason" {
	needs_namespaces
	# sysfs holds no files of ours, not even root's
	faas 6 doctor --state=/sys/faas execute
	has "$output" "needs state-directory: " "reason"
	has "$output" "fix: " "fix"
	faas 6 --json doctor --state=/sys/faas execute
	same "$(json '.features[0].missing | join(" ")')" state-directory "missing"
}

@test "doctor: looks at the state folder that the executor has" {
	needs_namespaces
	faas doctor
	has "$output" "'$PWD', where it will be made" "the helpers' FAAS_STATE_DIR"
	FAAS_STATE_DIR=/sys/faas faas 6 doctor
	has "$output" "choose another with FAAS_STATE_DIR" "fix"
	unset FAAS_STATE_DIR
	faas config set state-dir /sys/faas
	faas 6 doctor
	faas 2 doctor nonsense
	FAAS_STATE_DIR=relative faas 2 doctor
	has "$stderr" "not an absolute path" "relative"
}

@test "doctor: without a feature only execute decides" {
	needs_namespaces
	faas doctor --state=store
	faas 6 doctor --state=/sys/faas
}

@test "doctor: an unknown feature is a usage error that names the near one" {
	faas 2 doctor exceute
	has "$stderr" "no feature 'exceute'" "message"
	same "$output" "" "stdout"
}

@test "doctor: leaves nothing behind" {
	needs_namespaces
	before=$(leftovers)
	faas --json doctor --state="$PWD/store"
	# another test's doctor may be at work, too
	eventually as_before || die "was:" "$before" "is:" "$(leftovers)"
	same "$(ls -A store)" "" "the state directory"
}

@test "doctor: takes under two seconds of a processor" {
	local TIMEFORMAT='%U %S'

	needs_namespaces
	{ time run_faas --json doctor --state=store >/dev/null 2>&1; } 2>spent
	awk '{ exit $1 + $2 >= 2 }' spent || die "user and system: $(<spent)"
}

@test "doctor: works as an ordinary user" {
	needs_namespaces
	[[ $(id -u) == 0 ]] || skip "needs root to become another user"
	dir=$(mktemp -d /tmp/faas-XXXXXX)
	install -m 755 "$FAAS" "$dir/faas"
	chmod 777 "$dir"
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		env -u XDG_CONFIG_HOME -u FAAS_SYSTEM_CONFIG HOME="$dir" GCOV_PREFIX="$dir" "$dir/faas" --json doctor --state="$dir"
	rm -r "$dir"
	((status == 0 || status == 6)) || die "status $status" "$output" "$stderr"
	same "$stderr" "" "stderr"
	same "$(json '.checks[] | select(.name == "overlayfs") | .verdict')" missing \
		"overlayfs as an ordinary user"
	same "$(json '[.checks[] | select(.verdict == "unknown")] | length')" 0 "unknown"
}

@test "doctor: each check can be made to fail, and its features with it" {
	needs_namespaces
	requires_faults
	faas --json doctor --state=store
	names=$(json '.checks[].name')
	for name in $names; do
		FAAS_FAULT=doctor.$name=EIO run --separate-stderr \
			timeout 60 "$FAAS" --json doctor --state=store 3>&-
		((status == 0 || status == 6)) || die "$name: status $status" "$stderr"
		same "$(json ".checks[] | select(.name == \"$name\") | .verdict")" \
			missing "verdict of $name"
	done
	FAAS_FAULT=doctor.clone3=EIO faas 6 --json doctor --state=store
	same "$(json '.features[0].missing | join(" ")')" clone3 "missing for execute"
}
