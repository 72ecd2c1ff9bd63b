/*
 * greedy: takes of one thing until it gets no more
 * ================================================
 *
 *	greedy one			one of each; a line for each that cannot be had
 *	greedy hold NAME[=MAX]...	"NAME COUNT ERRNO" each, then "up"; keeps all of it
 *					until standard input ends
 *	greedy --list			the names
 *
 * Each name is taken by a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED	__attribute__((unused))

enum { FILES_EACH = 15000, PROCESSES = 200, PAGE = 4096, MIB = 1 << 20, HUGE = 2 << 20 };

static long take_inotify(long max)
{
	long n = 0;

	while (n < max && inotify_init1(0) >= 0)
		n++;
	return n;
}

static long take_watches(long max)
{
	int fd = inotify_init1(0);
	char path[64];
	long n = 0;

	while (fd >= 0 && n < max) {
		int at;

		(void)snprintf(path, sizeof(path), "/tmp/greedy.%ld", n);
		at = open(path, O_CREAT | O_WRONLY, 0600);
		if (at < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
			break;
		(void)close(at);
		n++;
	}
	return n;
}

static long take_timers(long max)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	timer_t timer;
	long n = 0;

	while (n < max && !timer_create(CLOCK_MONOTONIC, &event, &timer))
		n++;
	return n;
}

static long take_signals(long max)
{
	sigset_t mask;
	long n = 0;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	while (n < max && !sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }))
		n++;
	return n;
}

static long take_queues(long max)
{
	char name[64];
	long n = 0;

	while (n < max) {
		(void)snprintf(name, sizeof(name), "/greedy.%d.%ld", getpid(), n);
		if (mq_open(name, O_CREAT | O_RDWR, 0600, NULL) < 0)
			break;
		(void)mq_unlink(name);
		n++;
	}
	return n;
}

static long take_segments(long max)
{
	long n = 0;
	int id;

	while (n < max && (id = shmget(IPC_PRIVATE, PAGE, 0600)) >= 0) {
		n++;
		/* it goes with who has it attached */
		if (shmat(id, NULL, 0) == MAP_FAILED || shmctl(id, IPC_RMID, NULL) < 0)
			break;
	}
	return n;
}

/* Descriptors of one process, and then of more of them. */
static long take_files(long max)
{
	long n = 0;
	int pipes[2];
	char done;

	if (pipe(pipes) < 0)
		return 0;
	for (int child = 0; child < PROCESSES && n < max; child++) {
		long each = max - n < FILES_EACH ? max - n : FILES_EACH, got = 0;
		pid_t pid = fork();

		if (pid < 0)
			return n;
		if (!pid) {
			while (got < each && open("/dev/null", O_RDONLY) >= 0)
				got++;
			(void)!write(pipes[1], got == each ? "+" : "-", 1);
			for (;;)
				(void)pause();
		}
		if (read(pipes[0], &done, 1) != 1 || done != '+') {
			errno = ENFILE;
			return n;
		}
		n += each;
	}
	return n;
}

static long take_pipes(long max)
{
	static const char page[PAGE];
	int pipes[2];
	long n = 0;

	/* full ones */
	for (; n < max && !pipe2(pipes, O_NONBLOCK); n++)
		while (write(pipes[1], page, sizeof(page)) > 0)
			;
	return n;
}

/* Epoll instances, each of which watches all that were there before it, and events. */
static long take_epolls(long max)
{
	struct epoll_event event = { .events = EPOLLIN };
	int first = eventfd(0, 0);
	long n = 0;

	for (; n < max; n++) {
		int fd = epoll_create1(0), other = eventfd(0, 0);

		if (fd < 0 || other < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, first, &event) < 0 ||
		    epoll_ctl(fd, EPOLL_CTL_ADD, other, &event) < 0)
			break;
	}
	return n;
}

/* Descriptors that are nobody's: on their way through sockets. */
static long take_flights(long max)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 250)];
	} control = { .buf = { 0 } };
	struct iovec iov = { (char[1]){ 0 }, 1 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = CMSG_LEN(sizeof(int) * 250),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	int fds[250], sv[2];
	long n = 0;

	for (int i = 0; i < 250; i++)
		fds[i] = 0;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	while (n < max && !socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sv))
		while (n < max && sendmsg(sv[0], &mh, 0) == 1)
			n++;
	return n;
}

/* Each mapping is unlike its neighbours, so that the kernel cannot make one of two. */
static long take_maps(long max)
{
	long n = 0;

	while (n < max && mmap(NULL, PAGE, n % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		n++;
	return n;
}

static long take_protections(long max)
{
	long pages = max < 200000 ? 2 * max : 400000, n = 0;
	char *p = mmap(NULL, (size_t)pages * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	while (n < pages / 2 && !mprotect(p + 2 * n * PAGE, PAGE, PROT_NONE))
		n++;
	return n;
}

/* MiB of memory that stays where it is. */
static long take_locked(long max)
{
	long n = 0;
	void *p;

	if (max > 1 && mlockall(MCL_FUTURE) < 0)
		return 0;
	for (; n < max; n++) {
		p = mmap(NULL, max > 1 ? MIB : PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (p == MAP_FAILED || mlock(p, max > 1 ? MIB : PAGE) < 0)
			break;
	}
	return n;
}

/* By each of the ways in which there are huge pages. */
static long take_huge(long max)
{
	int fd = memfd_create("greedy", MFD_HUGETLB), id = shmget(IPC_PRIVATE, HUGE,
								   SHM_HUGETLB | 0600);
	long n = 0;

	if (id >= 0)
		n += shmctl(id, IPC_RMID, NULL) == 0;
	if (fd >= 0)
		n += mmap(NULL, HUGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) != MAP_FAILED;
	while (n < max && mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			       MAP_HUGETLB | MAP_POPULATE, -1, 0) != MAP_FAILED)
		n++;
	return n;
}

/* Processes that never rest. */
static long take_spinning(long max)
{
	long n = 0;

	for (; n < max; n++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (!pid)
			for (volatile unsigned long i = 0;; i++)
				;
	}
	return n;
}

static long take_threads(long max)
{
	long n = 0;

	for (; n < max; n++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (!pid)
			for (;;)
				(void)pause();
	}
	return n;
}

static pid_t short_lived(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	return pid;
}

/* Children that nobody waits for. */
static long take_zombies(long max)
{
	long n = 0;

	while (n < max && short_lived() > 0)
		n++;
	return n;
}

/* Children whose parent has gone: pid 1 has to wait for them. */
static long take_orphans(long max)
{
	long n = 0;

	while (n < max) {
		pid_t pid = fork();

		if (!pid) {
			for (int i = 0; i < 20; i++)
				(void)short_lived();
			_exit(0);
		}
		if (pid < 0 && errno == EAGAIN) {
			/* faster than pid 1: it has its turn */
			(void)sched_yield();
			continue;
		}
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			break;
		n += 20;
	}
	return n;
}

static const struct row {
	const char *name;
	long (*take)(long max);
	bool everywhere;	/* one can be had by whoever runs code */
} rows[] = {
	{ "inotify", take_inotify, true },
	{ "watches", take_watches, true },
	{ "timers", take_timers, true },
	{ "signals", take_signals, true },
	{ "queues", take_queues, true },
	{ "segments", take_segments, true },
	{ "files", take_files, true },
	{ "pipes", take_pipes, true },
	{ "epolls", take_epolls, true },
	{ "flights", take_flights, true },
	{ "maps", take_maps, true },
	{ "protections", take_protections, true },
	{ "locked", take_locked, true },
	{ "huge", take_huge, false },
	{ "processes", take_threads, true },
	{ "spinning", take_spinning, false },
	{ "zombies", take_zombies, true },
	{ "orphans", take_orphans, true },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* By a child that keeps it until we end. */
static void take(const struct row *row, long max, long *ret, int *errnum)
{
	int pipes[2];
	struct { long n; int errnum; } got = { -1, 0 };
	pid_t pid;

	if (pipe(pipes) < 0)
		abort();
	pid = fork();
	if (!pid) {
		struct rlimit rl;

		if (!getrlimit(RLIMIT_NOFILE, &rl)) {
			rl.rlim_cur = rl.rlim_max;
			(void)setrlimit(RLIMIT_NOFILE, &rl);
		}
		errno = 0;
		got.n = row->take(max);
		got.errnum = got.n < max ? errno : 0;
		(void)!write(pipes[1], &got, sizeof(got));
		(void)close(pipes[1]);
		for (;;)
			(void)pause();
	}
	(void)close(pipes[1]);
	if (pid < 0 || read(pipes[0], &got, sizeof(got)) != sizeof(got))
		got.errnum = pid < 0 ? errno : EPIPE;
	(void)close(pipes[0]);
	*ret = got.n;
	*errnum = got.errnum;
}

static int one_of_each(void)
{
	int errnum, bad = 0;
	long n;

	for (int i = 0; i < ROWS; i++) {
		if (!rows[i].everywhere)
			continue;
		take(&rows[i], 1, &n, &errnum);
		if (n >= 1)
			continue;
		printf("%s: %s\n", rows[i].name, errnum ? strerrorname_np(errnum) : "?");
		bad = 1;
	}
	return bad;
}

static void hold(const char *word)
{
	const char *equal = strchr(word, '=');
	size_t len = equal ? (size_t)(equal - word) : strlen(word);
	int errnum;
	long n;

	for (int i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) != len || strncmp(rows[i].name, word, len))
			continue;
		take(&rows[i], equal ? strtol(equal + 1, NULL, 10) : 10000000, &n, &errnum);
		printf("%s %ld %s\n", rows[i].name, n, errnum ? strerrorname_np(errnum) : "0");
		return;
	}
	printf("%s ?\n", word);
}

/* All that we have made, and what that has made. */
static int end(int status)
{
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	return status;
}

int main(int argc, char **argv)
{
	char byte;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (int i = 0; i < ROWS; i++)
			puts(rows[i].name);
		return 0;
	}
	(void)setpgid(0, 0);
	if (argc == 2 && !strcmp(argv[1], "one"))
		return end(one_of_each());
	if (argc < 3 || strcmp(argv[1], "hold"))
		return 2;
	for (int a = 2; a < argc; a++)
		hold(argv[a]);
	puts("up");
	(void)fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return end(0);
}
