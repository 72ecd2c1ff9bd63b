#include "lib/executor/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/doctor/scope.h"
#include "lib/environment/unpack.h"
#include "lib/executor/environment.h"
#include "lib/executor/compact.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

enum { FLUSH_US = 100000, REST_US = 500000, LISTEN_BACKLOG = 1024 };

/* Opens a folder, 0700 and ours; makes it when it is not there. */
static int private_folder(int at, const char *name, const char *path, struct error *err)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create '%s'", path);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%s'", path);
	if (st.st_uid != geteuid()) {
		(void)err_set(err, ERR_DENIED, "'%s' belongs to another user (uid %u)", path,
			      st.st_uid);
		return err_hint(err, "choose another folder with FAAS_STATE_DIR");
	}
	if ((st.st_mode & 077) && fchmod(fd, 0700) < 0)
		return err_sys(err, errno, "make '%s' private", path);
	return TAKE_FD(fd);
}

static int make_path(const char *path, struct error *err)
{
	char dir[4096];

	if (strlen(path) >= sizeof(dir) || *path != '/')
		return err_set(err, ERR_USAGE, "the state folder '%s' is not an absolute path",
			       path);
	(void)snprintf(dir, sizeof(dir), "%s", path);
	for (char *p = dir + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return err_sys(err, errno, "create '%s'", dir);
	}
	return 0;
}

static int open_state(struct executor *x, struct error *err)
{
	char run[4200];

	(void)snprintf(x->state_path, sizeof(x->state_path), "%s", x->config.state_dir);
	if (make_path(x->config.state_dir, err) < 0)
		return -1;
	x->state_dir = private_folder(AT_FDCWD, x->state_path, x->state_path, err);
	if (x->state_dir < 0)
		return -1;
	(void)snprintf(run, sizeof(run), "%s/run", x->state_path);
	x->run_dir = private_folder(x->state_dir, "run", run, err);
	return x->run_dir < 0 ? -1 : 0;
}

static void on_connect(struct source *s, uint32_t events)
{
	struct executor *x = (void *)((char *)s - offsetof(struct executor, listener));
	int fd;

	(void)events;
	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		session_accept(x, fd);
	/* who waits there would wake us for ever: with the one that is kept for it, it is told */
	while ((errno == EMFILE || errno == ENFILE) && x->spare >= 0) {
		(void)close(x->spare);
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			session_refuse(fd, "the executor has no descriptors left");
		x->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
		errno = fd < 0 ? EAGAIN : EMFILE;
	}
}

static int listen_on(struct executor *x, struct error *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = lock_inherited();

	x->own_socket = fd < 0;
	if (fd < 0) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return err_sys(err, errno, "make a socket");
		/* by descriptor: a state folder's path may be longer than sun_path */
		(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/executor.sock",
			       x->run_dir);
		(void)unlinkat(x->run_dir, "executor.sock", 0);
		if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		    listen(fd, LISTEN_BACKLOG) < 0) {
			int saved = errno;

			(void)close(fd);
			return err_sys(err, saved, "listen on '%s/run/executor.sock'",
				       x->state_path);
		}
	}
	x->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	x->listener = (struct source){ .fd = fd, .ready = on_connect };
	return event_add(x, &x->listener, EPOLLIN, err);
}

static void on_signal(struct source *s, uint32_t events)
{
	struct executor *x = (void *)((char *)s - offsetof(struct executor, signals));
	struct signalfd_siginfo si;

	(void)events;
	while (read(s->fd, &si, sizeof(si)) == sizeof(si))
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			x->stopping = x->stopping ? STOP_NOW : STOP_DRAIN;
}

static int watch_signals(struct executor *x, struct error *err)
{
	sigset_t mask;
	int fd;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(err, errno, "watch signals");
	x->signals = (struct source){ .fd = fd, .ready = on_signal };
	return event_add(x, &x->signals, EPOLLIN, err);
}

static int find_cgroups(struct executor *x, struct error *err)
{
	uint32_t hash = journal_check(x->state_path, (uint32_t)strlen(x->state_path));
	char name[64];

	(void)snprintf(name, sizeof(name), "faas-%u-%08x", geteuid(), hash);
	if (cgroups_open(name, x->cgroups, &x->spawner.cgroups, err) < 0)
		return -1;
	if (!(x->spawner.cgroups & 1u << CGROUP_MEMORY) && scope_join(name) &&
	    cgroups_open(name, x->cgroups, &x->spawner.cgroups, err) < 0)
		return -1;
	(void)cgroups_sweep(x->cgroups);
	return 0;
}

static void raise_limits(void)
{
	struct rlimit rl;

	if (!getrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int start(struct executor *x, struct error *err)
{
	struct sysinfo si;

	if (sysinfo(&si) < 0)
		return err_sys(err, errno, "read the size of memory");
	x->memory_total = (uint64_t)si.totalram * si.mem_unit;
	x->started_ms = clock_unix_ms();
	x->spawner.rootless = geteuid() != 0;
	raise_limits();
	/* of both nothing is known yet */
	x->unsynced = true;
	x->expire_ms = 1;
	x->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (x->epoll < 0)
		return err_sys(err, errno, "make an epoll descriptor");
	if (open_state(x, err) < 0 || lock_take(x, err) < 0 ||
	    store_open(x->state_dir, x->state_path, &x->store, err) < 0 ||
	    find_cgroups(x, err) < 0 || watch_signals(x, err) < 0 ||
	    recover(x, err) < 0 || instances_recover(x, err) < 0 || environment_sweep(x, err) < 0 || layer_sweep(x, err) < 0 ||
	    compact_note_all(x, err) < 0)
		return -1;
	/* what nobody had asked the disk for when the power went may be there in part */
	if (!clock_begin(x) && store_snapshot_doubt(x->store, err) < 0)
		return -1;
	reserve_make(x);
	(void)fault("executor.recovered");
	if (spawner_start(x, err) < 0)
		return -1;
	(void)fault("executor.spawner");
	/* the first run will most likely want it */
	if (!slot_get(x, "host", err) || environment_warm_all(x, err) < 0)
		return -1;
	return listen_on(x, err) < 0 ? -1 : door_open(x, err);
}

static void say_ready(struct executor *x)
{
	if (x->config.ready_fd >= 0) {
		(void)!write(x->config.ready_fd, "1", 1);
		(void)close(x->config.ready_fd);
		x->config.ready_fd = -1;
	}
	if (x->config.foreground)
		(void)dprintf(2, "faas: executor ready on '%s/run/executor.sock'\n", x->state_path);
}

/* Writes what changed, a moment after it did; a database in trouble is kept in mind. */
static void flush(struct executor *x, uint64_t now)
{
	if (!x->n_dirty) {
		x->flush_us = 0;
		return;
	}
	if (!x->flush_us)
		x->flush_us = now + FLUSH_US;
	if (now < x->flush_us)
		return;
	x->flush_us = 0;
	/* one that is only locked has to wait: the journal has what it will get */
	x->store_failed = run_flush(x, &x->store_error) < 0 &&
		x->store_error.code != ERR_BUSY;
}

static bool idle(struct executor *x, uint64_t now)
{
	if (x->n_sessions || x->n_running || x->n_dirty || x->works || x->imports)
		x->busy_us = now;
	return x->config.idle_ms && !snapshot_hungry(x) && now - x->busy_us > x->config.idle_ms * 1000;
}

/* A burst is over: what it needed goes back to the machine. */
static void rest(struct executor *x, uint64_t now)
{
	if (x->rested_runs == x->n_runs || x->n_running || x->n_dirty ||
	    now - x->busy_us < REST_US)
		return;
	x->rested_runs = x->n_runs;
	store_shrink(x->store);
	reserve_make(x);
	(void)malloc_trim(0);
}

static int own_timeout(struct executor *x, uint64_t now)
{
	bool orphans = false;

	if (x->quiet_until_us > now && pool_hungry(x))
		return (int)((x->quiet_until_us - now) / 1000) + 1;
	if (x->flush_us)
		return x->flush_us > now ? (int)((x->flush_us - now) / 1000) + 1 : 0;
	if (snapshot_hungry(x))
		return 100;
	for (struct run *run = x->runs; run; run = run->next)
		orphans |= run->orphan_until_us && !run->finished && !run->sandbox;
	if (!orphans && !x->n_running && x->rested_runs != x->n_runs)
		return REST_US / 1000;
	return orphans ? 50 : x->n_running || x->n_sessions ? 1000 : 2000;
}

static int next_timeout(struct executor *x, uint64_t now)
{
	int own = own_timeout(x, now), other = instances_timeout(x);

	return other >= 0 && other < own ? other : own;
}

static void cancel_all(struct executor *x)
{
	for (struct run *run = x->runs, *next; run; run = next) {
		next = run->next;
		run_cancel(run, 0);
	}
}

/* Instances are nobody's to wait for, unless they are to end. */
static bool busy(const struct executor *x)
{
	return x->stopping == STOP_NOW ? x->n_running : x->n_running > x->n_kept;
}

static int loop(struct executor *x, struct error *err)
{
	bool cancelled = false;

	for (;;) {
		uint64_t now = clock_us();

		flush(x, now);
		recover_tend(x);
		pool_tend(x);
		rest(x, now);
		snapshot_tend(x);
		instances_tend(x);
		if (!unpack_reap())
			layer_tend(x);
		compact_tend(x);
		if (x->stopping == STOP_NOW && !cancelled) {
			cancelled = true;
			cancel_all(x);
			work_stop_all(x);
		}
		if ((x->stopping && !busy(x) && !x->works &&
		     (!x->imports || x->stopping == STOP_NOW)) || idle(x, now))
			return 0;
		if (event_wait(x, next_timeout(x, now), err) < 0)
			return -1;
	}
}

static void stop(struct executor *x)
{
	struct error err;

	door_close(x);
	event_remove(x, &x->listener);
	(void)close(x->listener.fd);
	if (x->own_socket)
		(void)unlinkat(x->run_dir, "executor.sock", 0);
	(void)run_flush(x, &err);
	pool_drop(x, &x->blanks);
	for (struct slot *s = x->slots; s; s = s->next)
		pool_drop(x, &s->warm);
	spawner_stop(x);
	while (x->sandboxes) {
		/* an instance goes on, and with it who makes its network */
		if (x->sandboxes->run && x->sandboxes->run->instance)
			x->sandboxes->helper = 0;
		sandbox_free(x->sandboxes);
	}
	(void)run_flush(x, &err);
	journal_tidy(x);
	store_close(x->store);
	x->store = NULL;
}

/* Of what was frozen once: in use while an instance goes on, or until its last process is gone. */
static void remove_paused(const struct executor *x)
{
	int tries = x->stopping == STOP_NOW ? 200 : 40;

	while (pause_sweep(x) && tries--)
		(void)usleep(5000);
}

/* The empty folders of our cgroups go too, once the last leaf has gone. */
static void remove_cgroups(struct executor *x)
{
	bool gone = true;

	for (int i = 0; i < CGROUP__MAX; i++) {
		char link[64], path[4096];
		ssize_t n;

		/* the freezer's is empty until somebody needs it: it goes when the others do */
		if (x->cgroups[i] < 0 || (i == CGROUP_FREEZER && !gone))
			continue;
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", x->cgroups[i]);
		n = readlink(link, path, sizeof(path) - 1);
		if (n <= 0)
			continue;
		path[n] = '\0';
		for (int tries = 0; tries < 200 && rmdir(path) < 0 && errno == EBUSY; tries++) {
			/* a monitor that was killed has left its leaf */
			(void)cgroups_sweep(x->cgroups);
			(void)usleep(5000);
		}
		gone &= access(path, F_OK) < 0;
	}
}

/* One in a process, and what it has ends with that. */
static struct executor executor;

/* As after kill -9: the next one finds what runs, and the journal says what was begun. */
_noreturn_ static void without_memory(void)
{
	static const char words[] = "faas: there is no memory left\n";
	static const char json[] = "{\"code\":\"limit\",\"message\":\"there is no memory left\"}";

	if (executor.config.ready_fd >= 0)
		(void)!write(executor.config.ready_fd, json, sizeof(json) - 1);
	else if (executor.config.foreground)
		(void)!write(2, words, sizeof(words) - 1);
	_exit(EXIT_FAILURE);
}

int executor_main(const struct executor_config *config, struct error *err)
{
	struct executor *x = &executor;
	unsigned int kept;
	int r;

	x->config = *config;
	memory_at_end(without_memory);
	x->state_dir = x->run_dir = x->lock = x->spare = -1;
	x->listener.fd = x->door.fd = x->signals.fd = -1;
	x->busy_us = clock_us();
	for (int i = 0; i < CGROUP__MAX; i++)
		x->cgroups[i] = -1;
	(void)prctl(PR_SET_NAME, "faas-executor");
	if (start(x, err) < 0)
		return -1;
	say_ready(x);
	r = loop(x, err);
	kept = x->n_kept;
	stop(x);
	/* what goes on keeps the folders busy; the last monitor, or the next executor, sees to them */
	if (!kept) {
		remove_paused(x);
		remove_cgroups(x);
	}
	/* An end of file says that the next executor may start. */
	(void)close(x->lock);
	while (x->sessions)
		session_close(x->sessions);
	return r;
}
