#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXECUTOR_SOCKET = 3, OOM_FIRST = 500, OOM_MAX = 1000 };

struct spawner spawner = {
	.run_dir = -1, .filter = -1, .host_net = -1, .wide = -1, .narrow = -1,
	.idmap = -1, .state = -1, .cgroups = { -1, -1, -1, -1, -1, -1 },
};

static struct message message;

int fail(struct msg_status *st, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	st->errnum = saved ? saved : EIO;
	va_start(ap, fmt);
	(void)vsnprintf(st->text, sizeof(st->text), fmt, ap);
	va_end(ap);
	return -1;
}

uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t now_unix_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

ssize_t read_file_at(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

int write_file_at(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int saved;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	(void)close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

uint64_t number_in(const char *text, const char *key)
{
	uint64_t n = 0;

	if (key) {
		size_t len = strlen(key);

		for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
			if (!strncmp(text, key, len) && text[len] == ' ')
				break;
		if (!text)
			return 0;
		text += len + 1;
	}
	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	return n;
}

static void reply(unsigned int type, struct msg_status *st)
{
	st->h.type = (uint16_t)type;
	(void)msg_send(spawner.sock, st, sizeof(*st), NULL, 0, NULL, 0);
}

/* Makes a user namespace with a sandbox's map, and keeps it by descriptor. */
static int make_idmap(void)
{
	char path[64], map[64];
	int gate[2], fd = -1;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		char c;

		(void)close(gate[1]);
		_exit(read(gate[0], &c, 1) < 0);
	}
	(void)close(gate[0]);
	if (pid > 0) {
		(void)snprintf(map, sizeof(map), "0 %u %u", spawner.uid_base,
			       spawner.uid_count);
		(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		if (!write_file_at(AT_FDCWD, path, map)) {
			(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
			if (!write_file_at(AT_FDCWD, path, map)) {
				(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
				fd = open(path, O_RDONLY | O_CLOEXEC);
			}
		}
	}
	(void)close(gate[1]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return fd;
}

/* The filter that neither we nor any sandbox needs to be without. */
static int load_base_filter(int fd, struct msg_status *st)
{
	static struct sock_filter code[4096];
	struct sock_fprog prog;
	ssize_t n = pread(fd, code, sizeof(code), 0);

	if (n <= 0 || n % (ssize_t)sizeof(code[0]))
		return fail(st, "read the base seccomp filter");
	prog.len = (unsigned short)(n / (ssize_t)sizeof(code[0]));
	prog.filter = code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(st, "set no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return fail(st, "load the base seccomp filter");
	return 0;
}

/* A machine without memory ends what is in a sandbox before any of us. */
static void find_oom_score(void)
{
	char own[16] = "";
	int score;

	(void)read_file_at(AT_FDCWD, "/proc/self/oom_score_adj", own, sizeof(own));
	score = *own == '-' ? -(int)number_in(own + 1, NULL) : (int)number_in(own, NULL);
	score = score + OOM_FIRST < OOM_MAX ? score + OOM_FIRST : OOM_MAX;
	(void)snprintf(spawner.oom_score, sizeof(spawner.oom_score), "%d", score);
}

static int setup(struct message *m, struct msg_status *st)
{
	const struct msg_setup *s = (const void *)m->h;
	int base, fd = 3;

	spawner.host = mmap(NULL, sizeof(*spawner.host), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (spawner.host == MAP_FAILED)
		return fail(st, "share memory with monitors");
	if (m->h->type != MSG_SETUP || m->n_fds < fd) {
		errno = EPROTO;
		return fail(st, "receive the set-up");
	}
	spawner.run_dir = msg_take_fd(m, 0);
	base = msg_take_fd(m, 1);
	spawner.filter = msg_take_fd(m, 2);
	for (int i = 0; i < CGROUP__MAX; i++)
		if (s->cgroups & (1u << i))
			spawner.cgroups[i] = msg_take_fd(m, fd++);
	spawner.rootless = s->rootless;
	spawner.uid_base = s->uid_base;
	spawner.uid_count = s->uid_count;
	spawner.own_uid = s->own_uid;
	spawner.own_gid = s->own_gid;
	spawner.sub_uid = s->sub_uid;
	spawner.sub_gid = s->sub_gid;
	spawner.sub_count = s->sub_count;
	find_oom_score();

	if (spawner.rootless) {
		if (enter_own_user_namespace(st) < 0)
			return -1;
	} else {
		spawner.idmap = make_idmap();
		if (spawner.idmap < 0)
			return fail(st, "create a user namespace for id maps");
	}
	spawner.host_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (spawner.host_net < 0)
		return fail(st, "open '/proc/self/ns/net'");
	if (template_make(m->h->body ? m->body : "", st) < 0 || load_base_filter(base, st) < 0)
		return -1;
	(void)close(base);
	return 0;
}

static void create(struct message *m)
{
	struct msg_create c = *(const struct msg_create *)m->h;
	int sock = msg_take_fd(m, 0), journal = msg_take_fd(m, 1);
	pid_t pid;

	if (sock < 0 || journal < 0)
		return;
	c.id[sizeof(c.id) - 1] = '\0';
	pid = fork();
	if (!pid) {
		(void)close(spawner.sock);
		monitor_main(&c, sock, journal);
	}
	if (pid < 0) {
		struct msg_status st = { .h.type = MSG_FAILED };

		(void)fail(&st, "fork a monitor");
		(void)msg_send(sock, &st, sizeof(st), NULL, 0, NULL, 0);
	}
	(void)close(sock);
	(void)close(journal);
}

int main(void)
{
	struct msg_status st = { 0 };
	int r;

	spawner.sock = EXECUTOR_SOCKET;
	(void)fcntl(spawner.sock, F_SETFD, FD_CLOEXEC);
	exec_forget_signals();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "faas-spawner");
	(void)umask(0);

	r = msg_recv(spawner.sock, &message);
	if (r <= 0)
		return 1;
	r = setup(&message, &st);
	st.lacks = spawner.lacks;
	reply(MSG_SETUP_DONE, &st);
	msg_release(&message);
	if (r < 0)
		return 1;

	/* Monitors are nobody's children to wait for. */
	(void)signal(SIGCHLD, SIG_IGN);
	while (msg_recv(spawner.sock, &message) > 0) {
		if (message.h->type == MSG_CREATE) {
			create(&message);
		} else if (message.h->type == MSG_LAYERS) {
			st = (struct msg_status){ 0 };
			(void)template_layers(&message, &st);
			st.number = ((const struct msg_layers *)message.h)->environment;
			reply(MSG_LAYERS_DONE, &st);
		}
		msg_release(&message);
	}
	return 0;
}
