#include "lib/environment/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

/* What stands in for faas-archive: a shell script that says what it is told. */
struct fake {
	int dir;
	char path[64], helper[96];
};

static struct fake fake(const char *script)
{
	struct fake f = { .path = "/tmp/faas-unpack-XXXXXX" };
	int fd;

	check(mkdtemp(f.path));
	f.dir = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(f.dir >= 0);
	(void)snprintf(f.helper, sizeof(f.helper), "%s/helper", f.path);
	fd = open(f.helper, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	check(fd >= 0);
	check(dprintf(fd, "#!/bin/sh\n"
		      "while [ $# -gt 0 ]; do\n"
		      "	case $1 in\n"
		      "	--root-fd) root=/proc/self/fd/$2 ;;\n"
		      "	--status-fd) out=/proc/self/fd/$2 ;;\n"
		      "	--max-bytes) max=$2 ;;\n"
		      "	esac\n"
		      "	shift\n"
		      "done\n"
		      "exec >$out\n%s\n", script) > 0);
	check(close(fd) == 0);
	return f;
}

static void finish(struct fake *f)
{
	struct error err;

	check(tree_empty(f->dir, &err) == 0);
	check(close(f->dir) == 0 && rmdir(f->path) == 0);
}

static struct unpack_request request(const struct fake *f)
{
	return (struct unpack_request){
		.parent_fd = f->dir, .name = "stage", .helper = f->helper,
		.archive_fd = f->dir, .source_fd = -1,
	};
}

static bool staged(const struct fake *f)
{
	return faccessat(f->dir, "stage", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void count_progress(void *data, uint64_t bytes, uint64_t entries)
{
	uint64_t *sum = data;

	*sum += bytes + entries;
}

TEST(a_good_result)
{
	struct fake f = fake(
	    "echo x >$root/f\n"
	    "echo '{\"progress\":{\"bytes\":100,\"entries\":2}}'\n"
	    "echo '{\"progress\":{\"bytes\":200,\"entries\":3}}'\n"
	    "echo "
	    "'{\"ok\":true,\"entries\":7,\"bytes\":'$max',\"skipped\":{\"device\":3},"
	    "\"stripped\":{\"setuid\":1,\"acl\":2}}'");
	struct unpack_request req = request(&f);
	struct unpack_result res;
	struct error err = { 0 };
	uint64_t sum = 0;

	req.max_bytes = 4096;
	req.progress = count_progress;
	req.data = &sum;
	check(environment_unpack(&req, &res, &err) == 0);
	check(res.entries == 7 && res.bytes == 4096 && sum == 305);
	check_str(res.skipped[0].name, "device");
	check(res.skipped[0].n == 3 && res.skipped[1].n == 0);
	check_str(res.stripped[1].name, "acl");
	check(res.stripped[1].n == 2);
	check(faccessat(f.dir, "stage/f", F_OK, 0) == 0);
	finish(&f);
}

static void fails(const char *script, enum err_code code, const char *message)
{
	struct fake f = fake(script);
	struct unpack_request req = request(&f);
	struct unpack_result res;
	struct error err = { 0 };

	check(environment_unpack(&req, &res, &err) == -1);
	check(err.code == code);
	check_str(err.msg, message);
	check(!staged(&f));
	finish(&f);
}

TEST(failures_leave_nothing)
{
	fails("mkdir -p $root/a/b\n"
	      "echo '{\"ok\":false,\"code\":\"limit\",\"message\":\"too big\"}'\nexit 1",
	      ERR_LIMIT, "too big");
	fails("echo "
	      "'{\"ok\":false,\"code\":\"usage\",\"message\":\"bad\",\"entry\":\"x\"}'"
	      "\nexit 1",
	      ERR_USAGE, "entry 'x': bad");
	fails("kill -9 $$", ERR_SYSTEM, "faas-archive was killed by signal 9");
}

TEST(only_a_whole_result_is_believed)
{
	static const char *const scripts[] = {
		"", "exit 1", "echo nonsense", "echo '{\"ok\":true}'; exit 1",
		"echo nonsense; echo '{\"ok\":true,\"entries\":1,\"bytes\":1}'",
		"printf '{\"ok\":true}'", "echo '{\"ok\":false}'",
		"head -c 20000 /dev/zero; echo; echo '{\"ok\":true}'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		fails(scripts[i], ERR_PROTOCOL, "faas-archive ended without a result");
}

TEST(what_is_there_stays)
{
	struct fake f = fake("");
	struct unpack_request req = request(&f);
	struct unpack_result res;
	struct error err = { 0 };

	check(mkdirat(f.dir, "stage", 0700) == 0);
	check(environment_unpack(&req, &res, &err) == -1);
	check(err.code == ERR_EXISTS && staged(&f));
	finish(&f);
}

TEST(no_helper)
{
	struct fake f = fake("");
	struct unpack_request req = request(&f);
	struct unpack_result res;
	struct error err = { 0 };

	req.helper = "/no/such/helper";
	check(environment_unpack(&req, &res, &err) == -1);
	check(err.code == ERR_NOT_FOUND && !staged(&f));
	finish(&f);
}

TEST(giving_up_kills_it)
{
	struct fake f = fake("mkdir $root/d\necho '{\"progress\":{}}'\nexec sleep 1000");
	struct unpack_request req = request(&f);
	struct unpack *u;
	struct error err = { 0 };
	struct pollfd p = { .events = POLLIN };

	check(unpack_start(&req, &u, &err) == 0);
	p.fd = unpack_fd(u);
	check(poll(&p, 1, 60000) == 1);
	check(!unpack_read(u));
	check(staged(&f));
	unpack_free(u);
	check(!staged(&f));
	check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	finish(&f);
}

/* Where the host has user namespaces and the helper is built beside the tests. */
TEST(the_real_helper)
{
	struct fake f = fake("");
	struct unpack_request req = request(&f);
	struct unpack_result res;
	struct error err = { 0 };
	char helper[4096];
	ssize_t n = readlink("/proc/self/exe", helper, 3900);
	char *slash;

	check(n > 0);
	helper[n] = '\0';
	slash = strrchr(helper, '/');
	(void)snprintf(slash, 64, "/../../faas-archive");
	if (access(helper, X_OK) == 0) {
		req.helper = helper;
		req.archive_fd = -1;
		req.source_fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		check(environment_unpack(&req, &res, &err) == -1);
		check(!staged(&f));

		check(close(req.source_fd) == 0 && mkdirat(f.dir, "from", 0755) == 0);
		check(symlinkat("x", f.dir, "from/l") == 0);
		req.source_fd = openat(f.dir, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (environment_unpack(&req, &res, &err) == 0) {
			check(res.entries == 1);
			check(faccessat(f.dir, "stage/l", F_OK, AT_SYMLINK_NOFOLLOW) == 0);
		} else {
			check(!strncmp(err.msg, "make namespaces", 15) && !staged(&f));
		}
		check(close(req.source_fd) == 0);
	}
	finish(&f);
}

TEST_MAIN;
