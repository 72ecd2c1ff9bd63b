#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/executor/executor.h"

enum { ROTATE_SIZE = 4 << 20 };

static void journal_name(char buf[32], unsigned int number)
{
	(void)snprintf(buf, 32, "journal.%08u", number);
}

/* Numbers of the journals on disk, sorted; how many. */
static int on_disk(struct executor *x, unsigned int **ret)
{
	int fd = openat(x->run_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	unsigned int *v = NULL;
	int n = 0;

	while (d && (e = readdir(d))) {
		uint64_t number;

		if (strncmp(e->d_name, "journal.", 8) || parse_u64(e->d_name + 8, &number) < 0)
			continue;
		v = memory_must(realloc(v, sizeof(*v) * (size_t)(n + 1)));
		v[n++] = (unsigned int)number;
	}
	if (d)
		(void)closedir(d);
	for (int i = 1; i < n; i++)
		for (int k = i; k && v[k] < v[k - 1]; k--) {
			unsigned int t = v[k];

			v[k] = v[k - 1];
			v[k - 1] = t;
		}
	*ret = v;
	return n;
}

static int open_next(struct executor *x, unsigned int number, struct error *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	char name[32];
	int r;

	if (!j)
		return err_sys(err, ENOMEM, "open the journal");
	journal_name(name, number);
	j->number = number;
	r = fault("journal.open");
	j->fd = r ? -1 : openat(x->run_dir, name,
				O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd < 0) {
		if (!r)
			r = errno;
		free(j);
		return err_sys(err, r, "open '%s/run/%s'", x->state_path, name);
	}
	j->next = x->journals;
	x->journals = x->journal = j;
	return 0;
}

int journal_open(struct executor *x, struct error *err)
{
	cleanup_free unsigned int *numbers = NULL;
	int n = on_disk(x, &numbers);

	return open_next(x, n ? numbers[n - 1] + 1 : 1, err);
}

static int append(struct journal *j, uint32_t type, const void *data, uint32_t len)
{
	struct journal_header h = { JOURNAL_MAGIC, type, len, journal_check(data, len) };
	cleanup_free char *rec = malloc(sizeof(h) + len);
	ssize_t n;

	if (!rec)
		return ENOMEM;
	memcpy(rec, &h, sizeof(h));
	memcpy(rec + sizeof(h), data, len);
	n = write(j->fd, rec, sizeof(h) + len);
	if (n < 0)
		return errno;
	j->size += (uint64_t)n;
	return n == (ssize_t)(sizeof(h) + len) ? 0 : ENOSPC;
}

int journal_begin(struct executor *x, const struct execution *e, struct error *err)
{
	json_t *j = report_execution(e);
	cleanup_free char *text = json_dumps(j, JSON_COMPACT);
	int r;

	json_decref(j);
	if (!text)
		return err_sys(err, ENOMEM, "write the journal");
	r = fault("journal.begin");
	if (!r)
		r = append(x->journal, JOURNAL_BEGIN, text, (uint32_t)strlen(text));
	if (r)
		return err_sys(err, r, "write the journal '%s/run/journal'", x->state_path);
	(void)fault("journal.begun");
	return 0;
}

void journal_failed(struct executor *x, const struct execution *e)
{
	struct msg_ended m = { .exit_code = -1, .ended_ms = (uint64_t)e->ended_ms,
			       .code = (int32_t)err_by_name(e->error_code) };

	(void)snprintf(m.id, sizeof(m.id), "%s", e->id);
	(void)snprintf(m.text, sizeof(m.text), "%s", e->error_message);
	/* a full disk here costs the reason only: the run is then "lost" */
	if (append(x->journal, JOURNAL_END, &m, sizeof(m)))
		return;
}

void journal_tidy(struct executor *x)
{
	struct error err;
	char name[32];

	/* those that wait for a run would keep the old one for as long as they wait */
	if (x->journal->size > ROTATE_SIZE && !open_next(x, x->journal->number + 1, &err))
		for (struct sandbox *s = x->sandboxes; s; s = s->all_next)
			sandbox_journal(s);
	for (struct journal **at = &x->journals; *at;) {
		struct journal *j = *at;

		if (j == x->journal || j->users) {
			at = &j->next;
			continue;
		}
		journal_name(name, j->number);
		(void)fault("journal.unlink");
		(void)unlinkat(x->run_dir, name, 0);
		(void)close(j->fd);
		*at = j->next;
		free(j);
	}
}

void journal_close(struct executor *x)
{
	while (x->journals) {
		struct journal *j = x->journals;

		x->journals = j->next;
		(void)close(j->fd);
		free(j);
	}
	x->journal = NULL;
}

static void replay_record(struct executor *x, uint32_t type, const char *data, uint32_t len,
			  void (*begin)(struct executor *x, json_t *execution),
			  void (*end)(struct executor *x, const struct msg_ended *e))
{
	if (type == JOURNAL_BEGIN) {
		json_t *j = json_loadb(data, len, JSON_ALLOW_NUL, NULL);

		if (j)
			begin(x, j);
		json_decref(j);
	} else if (type == JOURNAL_END && len == sizeof(struct msg_ended)) {
		struct msg_ended e;

		memcpy(&e, data, sizeof(e));
		e.id[sizeof(e.id) - 1] = '\0';
		e.text[sizeof(e.text) - 1] = '\0';
		end(x, &e);
	}
}

/*
 * A record may be torn by a full disk and whole ones follow when there was room
 * again, so what is not one is searched for the next.
 */
static void replay_one(struct executor *x, const char *p, size_t left,
		       void (*begin)(struct executor *x, json_t *execution),
		       void (*end)(struct executor *x, const struct msg_ended *e))
{
	static const uint32_t magic = JOURNAL_MAGIC;
	struct journal_header h;

	while (p && left >= sizeof(h)) {
		const char *data = p + sizeof(h), *next;

		memcpy(&h, p, sizeof(h));
		if (h.magic == JOURNAL_MAGIC && h.len <= left - sizeof(h) &&
		    journal_check(data, h.len) == h.check) {
			replay_record(x, h.type, data, h.len, begin, end);
			next = data + h.len;
		} else {
			next = memmem(p + 1, left - 1, &magic, sizeof(magic));
		}
		left -= next ? (size_t)(next - p) : left;
		p = next;
	}
}

/* The whole of a file; NULL, with errno, when it cannot be had. */
static char *read_whole(int dir, const char *name, size_t *ret_len)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	cleanup_free char *data = NULL;
	size_t len = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	data = malloc((size_t)st.st_size + 1);
	while (data && len < (size_t)st.st_size) {
		ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

		if (n < 0 && errno != EINTR)
			return NULL;
		if (!n)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	*ret_len = len;
	return TAKE_PTR(data);
}

int journal_replay(struct executor *x, void (*begin)(struct executor *, json_t *),
		   void (*end)(struct executor *, const struct msg_ended *),
		   struct error *err)
{
	cleanup_free unsigned int *numbers = NULL;
	int n = on_disk(x, &numbers);

	for (int i = 0; i < n; i++) {
		cleanup_free char *data = NULL;
		char name[32];
		size_t len;

		journal_name(name, numbers[i]);
		data = read_whole(x->run_dir, name, &len);
		if (!data)
			return err_sys(err, errno, "read '%s/run/%s'", x->state_path, name);
		replay_one(x, data, len, begin, end);
	}
	return 0;
}
