/*
 * use-libfaas <case>: uses what faas.h has, in one process that would notice a changed
 * signal mask, a handler, or a SIGCHLD. 0 when all is as it should be; else it says
 * what is not.
 */
#include <faas.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct faas_error error;
static volatile sig_atomic_t children;

#define need(x) do { \
	if (!(x)) { \
		fprintf(stderr, "line %d: not %s; %s: %s\n", __LINE__, #x, error.code, \
			error.message); \
		exit(1); \
	} \
} while (0)

static void on_child(int sig)
{
	(void)sig;
	children = 1;
}

static void outputs(struct faas *f)
{
	const char *const argv[] = { "/bin/sh", "-c", "head -c 3000000 /dev/zero; echo no >&2; "
				     "kill -9 $$", NULL };
	struct faas_execute run = { .argv = argv, .out = { .size = 1000 } };
	struct faas_result r;

	need(!faas_execute(f, &run, &r, &error));
	need(r.out_size == 1000 && r.out_truncated && !r.out[1000]);
	need(!strcmp(r.err, "no\n") && !r.err_truncated);
	need(r.exit_code < 0 && r.signal == SIGKILL && faas_status(&r) == 137);
	need(strstr(r.record, "\"state\":\"exited\"") && !strcmp(r.state, "exited"));
	faas_result_release(&r);
	faas_result_release(&r);
}

static void streams(struct faas *f)
{
	char line[16] = "";
	int in[2], out[2];
	struct faas_execute run = { .code = "cat; echo unseen >&2" };
	struct faas_result r;

	need(!pipe(in) && !pipe(out) && write(in[1], "through\n", 8) == 8 && !close(in[1]));
	run.in.kind = run.out.kind = FAAS_FD;
	run.in.fd = in[0];
	run.out.fd = out[1];
	run.err.kind = FAAS_NONE;
	need(!faas_execute(f, &run, &r, &error));
	need(!r.out && !r.err && read(out[0], line, 15) == 8 && !strcmp(line, "through\n"));
	faas_result_release(&r);
}

static void files(struct faas *f)
{
	const struct faas_file in[] = {
		{ .data = "from memory", .size = 11, .to = "folder/data" },
		{ .path = "local", .to = "/work/copy", .mode = 0600 },
	};
	const char *const artifacts[] = { "both", NULL };
	const char *const env[] = { "WORD=a b", NULL };
	const char *const args[] = { "first", "second one", NULL };
	struct faas_execute run = {
		.code = "cat folder/data copy >both; echo \"$WORD,$1,$2\"",
		.args = args, .env = env, .files = in, .n_files = 2, .artifacts = artifacts,
		.artifact_dir = "back",
	};
	struct faas_result r;

	need(!faas_execute(f, &run, &r, &error));
	need(!strcmp(r.out, "a b,first,second one\n"));
	faas_result_release(&r);
	run.code = "exit 3";
	need(!faas_execute(f, &run, &r, &error) && faas_status(&r) == 3);
	faas_result_release(&r);
	/* success without what was asked for is none */
	run.code = "true";
	need(faas_execute(f, &run, &r, &error) < 0 && !strcmp(error.code, "not-found"));
}

static void failures(struct faas *f)
{
	const char *const argv[] = { "no-such-program", NULL };
	struct faas_execute run = { .argv = argv };
	struct faas_result r;
	char *text;

	need(faas_execute(f, &run, &r, &error) < 0);
	need(error.exit == 127 && !strcmp(error.code, "no-command"));
	run.code = "echo";
	need(faas_execute(f, &run, &r, &error) < 0 && error.exit == 125);
	run = (struct faas_execute){ .code = "sleep 30", .timeout_ms = 100 };
	need(!faas_execute(f, &run, &r, &error) && faas_status(&r) == 124 && r.timed_out);
	faas_result_release(&r);
	need(faas_call(f, "no.operation", NULL, &text, &error) < 0 && error.exit == 2);
	need(faas_call(f, "execution.get", "[", &text, &error) < 0);
	need(faas_call(f, "execution.get", "{\"id\":\"zzzz\"}", &text, NULL) < 0);
	need(!faas_call(f, "executor.status", NULL, &text, &error) && *text == '{');
	faas_free(text);
}

static void detached(struct faas *f)
{
	struct faas_execute run = { .code = "sleep 30", .detach = 1, .name = "sleeper" };
	struct faas_result r, end;
	size_t n = 1;
	char *text;
	int fd = -1;

	need(!faas_execute(f, &run, &r, &error) && faas_status(&r) == -1 && !r.out);
	need(faas_wait(f, r.id, 0, &end, &error) < 0 && !strcmp(error.code, "timeout"));
	need(faas_wait(f, r.id, 50, &end, &error) < 0 && error.exit == 124);
	need(!faas_cancel(f, "sleeper", 0, &error));
	need(!faas_wait(f, r.id, -1, &end, &error) && end.cancelled && end.signal);
	need(faas_status(&end) == 128 + end.signal);
	need(!faas_call_fds(f, "execution.logs", "{\"id\":\"@last\"}", NULL, 0, &fd, &n, &text,
			    &error) && n == 1 && fd >= 0 && !close(fd));
	faas_free(text);
	faas_result_release(&end);
	need(!faas_wait(f, r.id, 0, &end, &error));
	faas_result_release(&end);
	faas_result_release(&r);
}

/* Another thread, with a handle of its own, ends what this one waits for. */
static void *cancels(void *id)
{
	struct faas *f;

	if (faas_open(NULL, &f, NULL) < 0)
		return NULL;
	while (faas_cancel(f, id, 0, NULL) < 0)
		(void)usleep(10000);
	faas_close(f);
	free(id);
	return NULL;
}

static void started(void *arg, const char *id)
{
	(void)pthread_create(arg, NULL, cancels, strdup(id));
}

static void threads(struct faas *f)
{
	pthread_t thread;
	struct faas_execute run = { .code = "sleep 30", .started = started, .arg = &thread };
	struct faas_result r;

	need(!faas_execute(f, &run, &r, &error) && r.cancelled);
	need(!pthread_join(thread, NULL));
	faas_result_release(&r);
}

static void restarts(struct faas *f)
{
	struct faas_execute run = { .code = "echo again" };
	struct faas_result r;

	need(!faas_call(f, "executor.stop", "{\"now\":true}", NULL, &error));
	need(!faas_execute(f, &run, &r, &error) && !strcmp(r.out, "again\n"));
	faas_result_release(&r);
}

/* What every signal does; a sanitizer's program has some handlers of its own. */
static void note_signals(struct sigaction before[32])
{
	for (int sig = 1; sig < 32; sig++)
		need(!sigaction(sig, NULL, &before[sig]));
}

/* A state of files, two lines that begin there, and what is refused. */
static void states(struct faas *f)
{
	struct faas_execute run = { .code = "echo one >/work/list", .snapshot = "lib-base" };
	struct faas_snapshot *s, **all;
	struct faas_branch *b, **branches;
	struct faas_result r;
	size_t n;

	need(!faas_execute(f, &run, &r, &error) && !faas_status(&r) && *r.snapshot);
	need(!faas_snapshot_get(f, "lib-base", &s, &error));
	need(!strcmp(s->id, r.snapshot) && !strcmp(s->name, "lib-base") && !s->parent);
	need(!strcmp(s->environment, "host") && s->created_ms > 0 && strstr(s->record, s->id));
	faas_result_release(&r);
	run = (struct faas_execute){ .code = "cat /work/list; exit 3", .parent = "lib-base",
				     .snapshot = "", .on_success = 1 };
	need(!faas_execute(f, &run, &r, &error) && faas_status(&r) == 3);
	need(!strcmp(r.out, "one\n") && !*r.snapshot);
	faas_result_release(&r);
	need(!faas_branch_create(f, "lib-line", "lib-base", &b, &error));
	need(!strcmp(b->head, s->id) && !strcmp(b->base, s->id));
	faas_branch_free(b);
	need(faas_branch_create(f, "lib-line", "lib-base", NULL, &error) < 0);
	need(!strcmp(error.code, "exists"));
	run = (struct faas_execute){ .code = "echo two >>/work/list", .branch = "lib-line" };
	need(!faas_execute(f, &run, &r, &error));
	faas_result_release(&r);
	need(!faas_branch_get(f, "lib-line", &b, &error) && strcmp(b->head, b->base));
	faas_branch_free(b);
	need(!faas_branch_list(f, &branches, &n, &error) && n == 1 && !branches[1]);
	faas_branches_free(branches);
	need(!faas_snapshot_list(f, &all, &n, &error) && n == 2 && !all[2]);
	need(!strcmp(all[1]->parent, s->id));
	faas_snapshots_free(all);
	need(faas_snapshot_delete(f, "lib-base", &error) < 0 && !strcmp(error.code, "busy"));
	need(!faas_branch_delete(f, "lib-line", &error));
	need(!faas_snapshot_delete(f, "lib-base", &error));
	need(faas_snapshot_get(f, "lib-base", &s, &error) < 0 && !strcmp(error.code, "not-found"));
	faas_snapshot_free(NULL);
	faas_branches_free(NULL);
}

static void check_signals(const sigset_t *mask, const struct sigaction before[32])
{
	struct sigaction sa;
	sigset_t now;

	need(!sigprocmask(SIG_SETMASK, NULL, &now));
	for (int sig = 1; sig < 32; sig++) {
		need(sigismember(&now, sig) == sigismember(mask, sig));
		need(!sigaction(sig, NULL, &sa));
		need(sa.sa_handler == before[sig].sa_handler);
	}
	need(!children);
}

static void instances(struct faas *f)
{
	const char *const argv[] = { "/bin/sh", "-c", "exit 3", NULL };
	const char *const labels[] = { "team=core", NULL };
	struct faas_instance_start start = { .name = "lib", .labels = labels, .ttl_ms = 3600000 };
	struct faas_execute run = { .instance = "lib", .code = "echo $$ >/work/f; echo in; exit 4" };
	struct faas_execute wrong = { .instance = "lib", .argv = argv, .memory = 1 << 20 };
	struct faas_instance *i, **list;
	struct faas_result r;
	size_t n;

	need(!faas_instance_start(f, &start, &i, &error));
	need(!strcmp(i->state, "running") && !strcmp(i->name, "lib") && i->pid > 0);
	need(!strcmp(i->environment, "host") && !i->reason && i->expires_ms > i->created_ms);
	need(strstr(i->record, "\"team\":\"core\""));
	faas_instance_free(i);
	need(faas_instance_start(f, &start, &i, &error) && !strcmp(error.code, "exists"));
	need(!faas_execute(f, &run, &r, &error) && faas_status(&r) == 4 && !strcmp(r.out, "in\n"));
	faas_result_release(&r);
	need(faas_execute(f, &wrong, &r, &error) && !strcmp(error.code, "usage"));
	need(faas_instance_connect(f, "lib", 9, &error) < 0 && !strcmp(error.code, "unavailable"));
	need(!faas_instance_list(f, &list, &n, &error) && n == 1 && !strcmp(list[0]->name, "lib"));
	faas_instances_free(list);
	if (!faas_instance_pause(f, "lib", &i, &error)) {
		need(!strcmp(i->state, "paused"));
		faas_instance_free(i);
		need(faas_execute(f, &run, &r, &error) && !strcmp(error.code, "conflict"));
		need(!faas_instance_resume(f, "lib", NULL, &error));
	}
	need(!faas_instance_stop(f, "lib", 0, &i, &error) && !strcmp(i->state, "stopped"));
	faas_instance_free(i);
	need(!faas_instance_start_again(f, "lib", NULL, &error));
	need(!faas_instance_wait(f, "lib", "running", &i, &error) && i->created_ms);
	faas_instance_free(i);
	need(!faas_instance_terminate(f, "lib", -1, &error));
	need(!faas_instance_list(f, &list, &n, &error) && n == 0 && !list[0]);
	faas_instances_free(list);
	start.argv = argv;
	start.restart = "sometimes";
	need(faas_instance_start(f, &start, &i, &error) && !strcmp(error.code, "usage"));
	start.restart = NULL;
	start.remove = 1;
	need(!faas_instance_start(f, &start, NULL, &error));
	need(faas_instance_get(f, "no-such", &i, &error) && !strcmp(error.code, "not-found"));
	faas_instance_free(NULL);
	faas_instances_free(NULL);
}

int main(void)
{
	struct sigaction before[32];
	struct faas *f;
	sigset_t mask;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	(void)signal(SIGCHLD, on_child);
	note_signals(before);
	need(!faas_open(NULL, &f, &error));
	outputs(f);
	streams(f);
	files(f);
	failures(f);
	detached(f);
	threads(f);
	restarts(f);
	states(f);
	instances(f);
	check_signals(&mask, before);
	faas_close(f);
	puts(faas_version());
	return 0;
}
