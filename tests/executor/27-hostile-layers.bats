# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Root file systems that want the setup of a sandbox to follow a link of theirs, which is
# done with privilege: links where mounts and files of ours go, and links that come and go
# meanwhile.

setup() {
	requires_program busybox
	helpers_setup && own_executor
	mkdir -p outside/net outside/sys tree/bin tree/data
	echo secret >outside/sentinel
	cp "$(command -v busybox)" tree/bin/busybox
	for name in sh cat ls touch mkdir; do
		ln -s busybox "tree/bin/$name"
	done
	before=$(seen outside)
}

# seen <folder>: all that is there, and as what
seen() {
	find "$1" -printf '%P %y %m %s %T@\n' | sort
}

# untouched: nothing came to be outside, and no sandbox has anything mounted there
untouched() {
	same "$(seen outside)" "$before" "outside, after $1"
	same "$(grep -ls "$PWD/outside" /proc/[0-9]*/mountinfo)" "" "who has it mounted, after $1"
}

# What a program sees of what we put into its root; it tries to leave something there.
look='[ -c /dev/null ] && [ -e /proc/self/status ] && [ ! -e /dev/sentinel ] && [ ! -e /proc/sentinel ] || echo wrong
touch /dev/mine /proc/mine 2>/dev/null; touch /tmp/mine /work/mine; echo ran'

@test "execute: an environment whose folders are links is refused, or its own" {
	local name to ran=0

	for name in dev proc sys tmp work etc run; do
		# one that climbs out of the root is not even unpacked
		ln -s "../../../../../../../..$PWD/outside" "tree/$name"
		faas 2 env create --replace links tree
		rm "tree/$name"
		for to in "$PWD/outside" /data . /; do
			ln -s "$to" "tree/$name"
			faas env create --replace links tree
			sandboxed --env links --file tree/data "$look"
			case $status:$output in
			0:ran) ran=$((ran + 1)) ;;
			125:) has "$stderr" "'/$name'" "what is wrong" ;;
			*) die "$name -> $to: status $status: $output: $stderr" ;;
			esac
			[[ $status == 125 || $name != dev && $name != proc ]] ||
				die "/$name -> $to was followed"
			untouched "/$name -> $to"
			rm "tree/$name"
		done
	done
	# not everything was refused
	((ran >= 12)) || die "only $ran ran"
}

@test "execute --network nat: an environment whose /etc is a link is refused" {
	"$FAAS" doctor network.nat >/dev/null 2>&1 3>&- || skip "this host has no network.nat"
	for to in "$PWD/outside" /data; do
		ln -sfn "$to" tree/etc
		faas env create --replace etc tree
		faas 125 execute --network nat --env etc 'echo ran'
		has "$stderr" "/etc" "message"
		untouched "/etc -> $to"
	done
	rm tree/etc
	# a file that is a link is replaced, not written through
	mkdir tree/etc
	ln -s "$PWD/outside/sentinel" tree/etc/resolv.conf
	faas env create --replace etc tree
	faas execute --network nat --env etc 'cat /etc/resolv.conf'
	has "$output" nameserver "its name server"
	untouched "/etc/resolv.conf"
}

@test "execute: files of our own in place of folders are refused" {
	for name in dev proc; do
		echo file >"tree/$name"
		faas env create --replace files tree
		faas 125 execute --env files 'echo ran'
		has "$stderr" "'/$name'" "message"
		rm "tree/$name"
	done
}

# Exchanges each folder and the link beside it, a few times in each setup, until it is killed.
flip='import ctypes, random, sys, time
c = ctypes.CDLL(None)
print("up", flush=True)
while True:
    a = random.choice(sys.argv[1:]).encode()
    c.renameat2(-100, a, -100, a + b".link", 2)
    time.sleep(random.random() / 2000)'

@test "execute: a folder that becomes a link during the setup leads nowhere" {
	local root name rounds=${FAAS_TEST_ROUNDS:-100} round ran=0 refused=0

	mkdir tree/dev tree/proc tree/work
	touch tree/data/raced
	faas env create raced tree
	faas execute --env raced "$look"
	same "$output" ran "before"
	root=$(find "$FAAS_STATE_DIR/env" -path '*/data/raced')
	root=${root%/data/raced}
	[[ -d $root/data ]] || die "no root: $root"
	for name in dev proc work; do
		ln -s "$PWD/outside" "$root/$name.link"
	done
	python3 -c "$flip" "$root"/{dev,proc,work} >flip 3>&- &
	flipper=$!
	eventually grep -q up flip
	for ((round = 0; round < rounds; round++)); do
		sandboxed --env raced --file tree/data "$look"
		case $status:$output in
		0:ran) ran=$((ran + 1)) ;;
		12[56]:) refused=$((refused + 1)) ;;
		*) die "round $round: status $status: $output: $stderr" ;;
		esac
	done
	untouched "$rounds rounds"
	kill "$flipper"
	wait "$flipper" || true
	flipper=
	((ran && refused)) || die "no race: $ran ran, $refused were refused"
}

teardown() {
	[[ -z ${flipper-} ]] || kill "$flipper"
}

@test "execute: what one sandbox makes of a layer, the next one does not see" {
	mkdir tree/etc tree/dev
	faas env create shared tree
	begin --env shared 'rm -r /data /etc; ln -s / /etc; ln -s / /data; echo up; while :; do
		busybox mv /etc /x; busybox mkdir /etc; busybox rmdir /etc; busybox mv /x /etc; done'
	for _ in 1 2 3 4 5; do
		faas execute --env shared "[ ! -L /etc ] && [ ! -L /data ] || echo wrong; $look"
		same "$output" ran "beside it"
	done
	kill "$client"
	ended 143
}
