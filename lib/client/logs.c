#include "lib/client/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/logfile.h"

enum { RECORD_MAX = 1 << 20, CHUNK = 128 * 1024, TAIL_MAX = 10000000 };

struct logs {
	int dir;
	int watch;		/* inotify, or -1 */
	int file;		/* being read, or -1 */
	bool complete;		/* file is not written to any more */
	bool ended;		/* nor will there be another one */
	uint64_t next;		/* number of the record to hand out next */
	uint64_t floor;		/* numbers below it have been seen */
	char *buf;		/* what was read of file and not yet handed out */
	size_t at, have, size;
};

int logs_open(int dir, uint64_t from, struct logs **ret, struct error *err)
{
	struct logs *l = calloc(1, sizeof(*l));
	char path[40];

	if (!l) {
		(void)err_sys(err, ENOMEM, "read the log");
		return -1;
	}
	*l = (struct logs){ .dir = dir, .file = -1, .next = from };
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	l->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->watch >= 0 &&
	    inotify_add_watch(l->watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		(void)close(l->watch);
		l->watch = -1;
	}
	*ret = l;
	return 0;
}

void logs_free(struct logs *l)
{
	if (!l)
		return;
	if (l->file >= 0)
		(void)close(l->file);
	if (l->watch >= 0)
		(void)close(l->watch);
	free(l->buf);
	free(l);
}

void logs_ended(struct logs *l)
{
	l->ended = true;
}

int logs_fd(struct logs *l)
{
	return l->watch;
}

/* ---- the files ---- */

struct file {
	int fd;
	struct stat st;
};

static int open_one(int dir, const char *name, struct file *ret)
{
	ret->fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (ret->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!fstat(ret->fd, &ret->st))
		return 0;
	(void)close(ret->fd);
	ret->fd = -1;
	return -errno;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Both files as they were at one moment: `old` was the same before and after. */
static int open_both(int dir, struct file *old, struct file *new)
{
	for (;;) {
		struct stat again;
		int r = open_one(dir, "old", old);

		if (r < 0)
			return r;
		r = open_one(dir, "new", new);
		if (r < 0) {
			if (old->fd >= 0)
				(void)close(old->fd);
			return r;
		}
		if (fstatat(dir, "old", &again, AT_SYMLINK_NOFOLLOW) < 0 ? old->fd < 0
		    : old->fd >= 0 && same(&again, &old->st))
			return 0;
		if (old->fd >= 0)
			(void)close(old->fd);
		if (new->fd >= 0)
			(void)close(new->fd);
	}
}

/*
 * The file is read to its end. 1: go on, because it turned out to be complete
 * after we last looked, or because the next one is open; 0: wait.
 */
static int next_file(struct logs *l, struct error *err)
{
	struct file old, new;
	struct stat st = { 0 };
	bool at_new = false, at_old = false;
	int r = open_both(l->dir, &old, &new), next = -1;

	if (r < 0)
		return err_sys(err, -r, "open the log");
	if (l->file >= 0 && fstat(l->file, &st) < 0)
		st = (struct stat){ 0 };
	if (l->file >= 0) {
		at_new = new.fd >= 0 && same(&st, &new.st);
		at_old = old.fd >= 0 && same(&st, &old.st);
	}
	r = 0;
	if (l->file >= 0 && !at_new && !l->complete) {
		/* it was renamed: what came just before that is still to be read */
		l->complete = true;
		r = 1;
	} else if (l->file < 0 || !at_new) {
		next = !at_old && old.fd >= 0 ? TAKE_FD(old.fd) : TAKE_FD(new.fd);
	}
	if (next >= 0) {
		if (l->file >= 0)
			(void)close(l->file);
		l->file = next;
		l->complete = false;
		l->at = l->have = 0;
		r = 1;
	}
	if (old.fd >= 0)
		(void)close(old.fd);
	if (new.fd >= 0)
		(void)close(new.fd);
	return r;
}

/* Reads more of the file: 1, or 0 at its end for now. */
static int fill(struct logs *l, struct error *err)
{
	ssize_t n;

	if (l->file < 0)
		return 0;
	if (l->at) {
		memmove(l->buf, l->buf + l->at, l->have - l->at);
		l->have -= l->at;
		l->at = 0;
	}
	if (l->size - l->have < CHUNK) {
		char *more = realloc(l->buf, l->have + 2 * CHUNK);

		if (!more)
			return err_sys(err, ENOMEM, "read the log");
		l->buf = more;
		l->size = l->have + 2 * CHUNK;
	}
	do
		n = read(l->file, l->buf + l->have, l->size - l->have);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, errno, "read the log");
	l->have += (size_t)n;
	return n > 0;
}

/* ---- the records ---- */

/* Could a record that has not been seen yet begin at p? */
static bool header_at(const char *p, uint64_t floor, struct log_record *ret)
{
	memcpy(ret, p, sizeof(*ret));
	return ret->magic == LOG_MAGIC && (ret->stream == 1 || ret->stream == 2) &&
		ret->len <= RECORD_MAX && ret->seq >= floor;
}

enum verdict { NEED_MORE, WHOLE, TORN };

/*
 * What is at l->at, where the file ends behind the buffer if end is set. A record
 * is whole when another one follows it, or nothing.
 */
static enum verdict look(const struct logs *l, bool end, struct log_record *ret)
{
	size_t left = l->have - l->at;
	const char *p = l->buf + l->at;
	uint16_t magic;

	if (left < sizeof(*ret))
		return end ? TORN : NEED_MORE;
	if (!header_at(p, l->floor, ret))
		return TORN;
	if (left < sizeof(*ret) + ret->len)
		return end ? TORN : NEED_MORE;
	left -= sizeof(*ret) + ret->len;
	if (left < sizeof(magic))
		return !left || end ? WHOLE : NEED_MORE;
	/* no more than this of the next one: it may be torn in its header */
	memcpy(&magic, p + sizeof(*ret) + ret->len, sizeof(magic));
	return magic == LOG_MAGIC ? WHOLE : TORN;
}

/* On to where a record may begin, or to what is too short to tell. */
static void skip_torn(struct logs *l, bool end)
{
	struct log_record rec;

	for (l->at++; l->have - l->at >= sizeof(rec); l->at++)
		if (header_at(l->buf + l->at, l->floor, &rec))
			return;
	if (end)
		l->at = l->have;
}

static void take(struct logs *l, const struct log_record *rec, struct logs_entry *ret)
{
	*ret = (struct logs_entry){
		.seq = rec->seq, .stream = rec->stream, .time_ms = rec->time_ms,
		.data = l->buf + l->at + sizeof(*rec), .len = rec->len,
		.missed = rec->seq > l->next ? rec->seq - l->next : 0,
	};
	l->at += sizeof(*rec) + rec->len;
	l->floor = rec->seq + 1;
}

int logs_next(struct logs *l, struct logs_entry *ret, struct error *err)
{
	bool end = false;

	for (;;) {
		struct log_record rec;
		enum verdict v = l->have > l->at ? look(l, end, &rec) : NEED_MORE;
		int r;

		if (v == WHOLE) {
			take(l, &rec, ret);
			if (ret->seq < l->next)
				continue;
			l->next = ret->seq + 1;
			return 1;
		}
		if (v == TORN) {
			skip_torn(l, end);
			continue;
		}
		end = false;
		r = fill(l, err);
		if (!r && l->have > l->at && (l->complete || l->ended))
			r = end = true;
		if (!r)
			r = next_file(l, err);
		if (r <= 0)
			return r;
	}
}

/* ---- the last lines ---- */

struct place {
	uint64_t seq;
	size_t skip;
};

struct tail {
	struct place *ring;
	uint64_t n, count;
	bool in_line[3];
};

static void note_lines(struct tail *t, const struct logs_entry *e)
{
	const char *at = e->data, *end = e->data + e->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!t->in_line[e->stream])
			t->ring[t->count++ % t->n] = (struct place){
				e->seq, (size_t)(at - e->data),
			};
		t->in_line[e->stream] = !newline;
		at = newline ? newline + 1 : end;
	}
}

int logs_tail(int dir, unsigned int stream, uint64_t n, uint64_t *ret_seq, size_t *ret_skip,
	      struct error *err)
{
	CLEANUP(logs_free) struct logs *l = NULL;
	cleanup_free struct place *ring = NULL;
	struct tail tail = { .n = n };
	struct logs_entry e;
	int r;

	*ret_seq = UINT64_MAX;
	*ret_skip = 0;
	if (n > TAIL_MAX)
		return err_set(err, ERR_USAGE, "at most %d lines from the end", TAIL_MAX);
	if (logs_open(dir, 0, &l, err) < 0)
		return -1;
	ring = tail.ring = calloc(n ? n : 1, sizeof(*ring));
	if (!ring)
		return err_sys(err, ENOMEM, "read the log");
	while ((r = logs_next(l, &e, err)) > 0) {
		if (!n)
			*ret_seq = e.seq + 1;
		else if (!stream || e.stream == stream)
			note_lines(&tail, &e);
	}
	if (r < 0)
		return -1;
	if (!n && *ret_seq == UINT64_MAX)
		*ret_seq = 0;
	if (n && !tail.count)
		*ret_seq = 0;
	if (n && tail.count) {
		const struct place *p = &ring[tail.count > n ? tail.count % n : 0];

		*ret_seq = p->seq;
		*ret_skip = p->skip;
	}
	return 0;
}
