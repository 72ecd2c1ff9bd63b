#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"
#include "lib/base/subid.h"
#include "lib/executor/executor.h"
#include "lib/executor/filter.h"
#include "lib/spawner/message.h"

extern const char spawner_blob[], spawner_blob_end[];

enum { SPAWNER_FD = 3 };

static struct message message;

/* The program from a sealed memfd: nothing can overwrite it (CVE-2019-5736). */
static int program(struct error *err)
{
	cleanup_close int fd = memfd_create("faas-spawner", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *p = spawner_blob;

	if (fd < 0)
		return err_sys(err, errno, "make a memfd for the spawner");
	while (p < spawner_blob_end) {
		ssize_t n = write(fd, p, (size_t)(spawner_blob_end - p));

		if (n < 0)
			return err_sys(err, errno, "write the spawner");
		p += n;
	}
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, errno, "seal the spawner");
	return TAKE_FD(fd);
}

static pid_t start(int fd, int sock)
{
	static char *const argv[] = { (char *)"faas-spawner", NULL };
	static char *const env[] = { NULL };
	sigset_t none;
	pid_t pid = vfork();

	if (pid)
		return pid;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (sock == SPAWNER_FD ? fcntl(sock, F_SETFD, 0) < 0 : dup2(sock, SPAWNER_FD) < 0)
		_exit(127);
	(void)fexecve(fd, argv, env);
	_exit(127);
}

static int send_setup(struct executor *x, struct error *err)
{
	struct msg_setup m = {
		.h.type = MSG_SETUP, .rootless = x->spawner.rootless,
		.uid_base = UID_BASE, .uid_count = UID_COUNT,
		.own_uid = geteuid(), .own_gid = getegid(),
	};
	struct subids more = { 0 };
	cleanup_close int base = -1;
	cleanup_close int sandbox = -1;
	char layers[4200];
	int fds[MSG_FDS], n = 3, r;

	(void)snprintf(layers, sizeof(layers), "%s/layers", x->state_path);
	if (mkdirat(x->state_dir, "layers", 0711) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create '%s'", layers);

	if (x->spawner.rootless)
		more = subid_read(geteuid());
	m.sub_uid = more.uid;
	m.sub_gid = more.gid;
	m.sub_count = more.uids < more.gids ? more.uids : more.gids;
	if (m.sub_count > UID_COUNT - 1)
		m.sub_count = UID_COUNT - 1;
	if (filter_base(&base, err) < 0 || filter_sandbox(&sandbox, err) < 0)
		return -1;
	fds[0] = x->run_dir;
	fds[1] = base;
	fds[2] = sandbox;
	for (int i = 0; i < CGROUP__MAX; i++)
		if (x->cgroups[i] >= 0) {
			m.cgroups |= 1u << i;
			fds[n++] = x->cgroups[i];
		}
	r = msg_send(x->spawner.source.fd, &m, sizeof(m), layers, strlen(layers) + 1, fds, n);
	if (r < 0)
		return err_sys(err, -r, "set the spawner up");
	return 0;
}

static void on_message(struct source *s, uint32_t events)
{
	struct executor *x = (void *)((char *)s - offsetof(struct executor, spawner.source));
	int r = msg_recv(s->fd, &message);

	(void)events;
	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		/* The next request starts another; sandboxes do not notice. */
		event_remove(x, s);
		(void)close(s->fd);
		s->fd = -1;
		x->spawner.up = false;
		if (x->spawner.pid > 0)
			(void)waitpid(x->spawner.pid, NULL, 0);
		x->spawner.pid = 0;
		/* they have its mounts, in which the next one makes nothing */
		pool_drop(x, &x->blanks);
		slots_lost(x);
		return;
	}
	if (message.h->type == MSG_LAYERS_DONE)
		slot_layers_done(x, (const void *)message.h);
	msg_release(&message);
}

/* Waits for the one answer that must come before anything else. */
static int wait_setup(struct executor *x, struct error *err)
{
	const struct msg_status *st;
	int r = msg_recv(x->spawner.source.fd, &message);

	if (r <= 0 || message.h->type != MSG_SETUP_DONE)
		return err_set(err, ERR_SYSTEM, "the spawner did not start");
	st = (const void *)message.h;
	x->spawner.lacks = st->lacks;
	if (!st->errnum)
		return 0;
	(void)err_sys(err, st->errnum, "%s", st->text);
	err->code = ERR_UNSUPPORTED;
	return err_hint(err, "see 'faas doctor'");
}

int spawner_start(struct executor *x, struct error *err)
{
	cleanup_close int fd = -1;
	int pair[2];

	if (x->spawner.up)
		return 0;
	fd = program(err);
	if (fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "make a socket pair");
	x->spawner.pid = start(fd, pair[1]);
	(void)close(pair[1]);
	x->spawner.source = (struct source){ .fd = pair[0], .ready = on_message };
	if (x->spawner.pid < 0) {
		(void)close(pair[0]);
		return err_sys(err, errno, "start the spawner");
	}
	if (send_setup(x, err) < 0 || wait_setup(x, err) < 0 ||
	    event_add(x, &x->spawner.source, EPOLLIN, err) < 0) {
		(void)close(pair[0]);
		(void)waitpid(x->spawner.pid, NULL, 0);
		x->spawner.pid = 0;
		return err_wrap(err, "start the spawner");
	}
	x->spawner.up = true;
	x->spawner.generation++;
	return 0;
}

void spawner_stop(struct executor *x)
{
	if (!x->spawner.up)
		return;
	event_remove(x, &x->spawner.source);
	(void)close(x->spawner.source.fd);
	(void)waitpid(x->spawner.pid, NULL, 0);
	x->spawner.up = false;
}

int spawner_create(struct executor *x, const char *id, int sock, struct error *err)
{
	struct msg_create m = { .h.type = MSG_CREATE };
	int fds[2] = { sock, x->journal->fd }, r;

	if (spawner_start(x, err) < 0)
		return -1;
	(void)snprintf(m.id, sizeof(m.id), "%s", id);
	r = msg_send(x->spawner.source.fd, &m, sizeof(m), NULL, 0, fds, 2);
	if (r < 0)
		return err_sys(err, -r, "ask the spawner for a sandbox");
	return 0;
}

int spawner_layers(struct executor *x, unsigned int number, bool host, bool idmap,
		   const char *const *paths, unsigned int count, struct error *err)
{
	struct msg_layers m = {
		.h.type = MSG_LAYERS, .environment = number, .count = count,
		.idmap = idmap, .host = host,
	};
	cleanup_strbuf struct strbuf body = STRBUF(MSG_BODY_MAX);
	int r;

	for (unsigned int i = 0; i < count; i++)
		strbuf_add(&body, paths[i], strlen(paths[i]) + 1);
	if (spawner_start(x, err) < 0)
		return -1;
	r = msg_send(x->spawner.source.fd, &m, sizeof(m), body.buf, body.len, NULL, 0);
	if (r < 0)
		return err_sys(err, -r, "tell the spawner of an environment");
	return 0;
}

void spawner_forget_layers(struct executor *x, unsigned int number)
{
	struct msg_layers m = { .h.type = MSG_LAYERS, .environment = number, .remove = 1 };

	if (x->spawner.up)
		(void)msg_send(x->spawner.source.fd, &m, sizeof(m), NULL, 0, NULL, 0);
}
