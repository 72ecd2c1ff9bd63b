#include "lib/wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { READ_SIZE = 64 * 1024, QUEUE_MAX = 64 << 20 };

struct wire_chunk {
	struct wire_chunk *next;
	char *data;
	size_t len, done;
	int fds[WIRE_FDS_MAX];
	int n_fds;
};

void wire_init(struct wire *w, int fd)
{
	*w = (struct wire){ .fd = fd, .in = STRBUF(WIRE_FRAME_MAX + 4 + READ_SIZE) };
	w->out_tail = &w->out;
}

static void close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static void chunk_free(struct wire_chunk *c)
{
	close_all(c->fds, c->n_fds);
	free(c->data);
	free(c);
}

void wire_release(struct wire *w)
{
	while (w->out) {
		struct wire_chunk *c = w->out;

		w->out = c->next;
		chunk_free(c);
	}
	w->out_tail = &w->out;
	close_all(w->fds, w->n_fds);
	w->n_fds = 0;
	strbuf_release(&w->in);
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}

enum { GATHER = 8 };

/*
 * Sends the first chunks in one call, up to and with the first that carries
 * descriptors: they travel with the call's first byte, and the order in which they
 * are claimed is all that matters. Bytes sent, 0 if it would block, or -1.
 */
static ssize_t send_some(const struct wire *w)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
	} control;
	struct iovec iov[GATHER];
	struct msghdr mh = { .msg_iov = iov };
	const struct wire_chunk *c = w->out;
	ssize_t sent;

	for (; c && mh.msg_iovlen < GATHER; c = c->next) {
		iov[mh.msg_iovlen++] = (struct iovec){ c->data + c->done, c->len - c->done };
		if (c->n_fds)
			break;
	}
	if (c && c->n_fds) {
		size_t size = sizeof(int) * (size_t)c->n_fds;
		struct cmsghdr *h;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(size);
		memset(control.buf, 0, mh.msg_controllen);
		h = CMSG_FIRSTHDR(&mh);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(h), c->fds, size);
	}
	do
		sent = sendmsg(w->fd, &mh, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	/* whatever went, the descriptors went with it */
	for (struct wire_chunk *k = sent > 0 ? w->out : NULL; k; k = k->next) {
		bool had = k->n_fds;

		close_all(k->fds, k->n_fds);
		k->n_fds = 0;
		if (had)
			break;
	}
	return sent;
}

static void drop_sent(struct wire *w, size_t n)
{
	w->out_bytes -= n;
	for (struct wire_chunk *c; n && (c = w->out);) {
		size_t part = c->len - c->done;

		if (part > n) {
			c->done += n;
			return;
		}
		n -= part;
		w->out = c->next;
		if (!w->out)
			w->out_tail = &w->out;
		chunk_free(c);
	}
}

int wire_flush(struct wire *w, struct error *err)
{
	while (w->out) {
		ssize_t n = send_some(w);

		if (n < 0)
			return err_sys(err, errno, "send to the other side"),
			       err->code = ERR_UNAVAILABLE, -1;
		if (!n)
			return 0;
		drop_sent(w, (size_t)n);
	}
	return 1;
}

static int dump(const char *data, size_t len, void *to)
{
	strbuf_add(to, data, len);
	return strbuf_failed(to) ? -1 : 0;
}

static int enqueue(struct wire *w, struct strbuf *sb, const int *fds, int n,
		   struct error *err)
{
	struct wire_chunk *c = calloc(1, sizeof(*c));

	if (!c || w->out_bytes + sb->len > QUEUE_MAX) {
		free(c);
		return err_set(err, ERR_LIMIT, "the other side does not read");
	}
	c->len = sb->len;
	c->data = strbuf_detach(sb);
	for (int i = 0; i < n; i++) {
		c->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		c->n_fds = i + 1;
		if (c->fds[i] < 0) {
			int saved = errno;

			chunk_free(c);
			return err_sys(err, saved, "send a descriptor");
		}
	}
	*w->out_tail = c;
	w->out_tail = &c->next;
	w->out_bytes += c->len;
	return 0;
}

int wire_queue(struct wire *w, json_t *frame, const int *fds, int n_fds, struct error *err)
{
	cleanup_strbuf struct strbuf sb = STRBUF(WIRE_FRAME_MAX + 4);
	uint32_t len;

	if (n_fds > WIRE_FDS_MAX)
		return err_set(err, ERR_BUG, "%d descriptors in one frame", n_fds);
	if (n_fds && json_object_set_new(frame, "fds", json_integer(n_fds)) < 0)
		return err_set(err, ERR_LIMIT, "out of memory");
	strbuf_add(&sb, "\0\0\0\0", 4);
	if (json_dump_callback(frame, dump, &sb, JSON_COMPACT) < 0 || strbuf_failed(&sb))
		return err_set(err, ERR_LIMIT, "a message is larger than %d MiB",
			       WIRE_FRAME_MAX >> 20);
	len = (uint32_t)(sb.len - 4);
	memcpy(sb.buf, &len, 4);
	return enqueue(w, &sb, fds, n_fds, err);
}

int wire_send(struct wire *w, json_t *frame, const int *fds, int n_fds, struct error *err)
{
	if (wire_queue(w, frame, fds, n_fds, err) < 0)
		return -1;
	return wire_flush(w, err) < 0 ? -1 : 0;
}

static void take_control(struct wire *w, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (w->n_fds < WIRE_FDS_QUEUED)
				w->fds[w->n_fds++] = fd;
			else
				(void)close(fd);
		}
	}
}

int wire_fill(struct wire *w, struct error *err)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * WIRE_FDS_QUEUED)];
	} control;
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	if (w->in_done) {
		memmove(w->in.buf, w->in.buf + w->in_done, w->in.len - w->in_done);
		w->in.len -= w->in_done;
		w->in_done = 0;
	}
	if (!strbuf_grow(&w->in, READ_SIZE))
		return err_set(err, ERR_PROTOCOL, "a message is too large");
	iov = (struct iovec){ w->in.buf + w->in.len, READ_SIZE };
	do
		n = recvmsg(w->fd, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0)
		return err_sys(err, errno, "receive from the other side"),
		       err->code = ERR_UNAVAILABLE, -1;
	if (!n)
		return err_set(err, ERR_UNAVAILABLE, "the connection was closed");
	take_control(w, &mh);
	w->in.len += (size_t)n;
	w->in.buf[w->in.len] = '\0';
	return 1;
}

static int too_deep(const char *s, size_t len)
{
	int depth = 0;
	bool text = false;

	for (size_t i = 0; i < len; i++) {
		if (text) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				text = false;
		} else if (s[i] == '"') {
			text = true;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > WIRE_DEPTH_MAX)
				return 1;
		} else if (s[i] == '}' || s[i] == ']') {
			depth--;
		}
	}
	return 0;
}

int wire_next(struct wire *w, json_t **ret, struct error *err)
{
	size_t have = w->in.len - w->in_done;
	const char *p = w->in.buf + w->in_done;
	json_error_t je;
	uint32_t len;
	json_t *j;

	if (have < 4)
		return 0;
	memcpy(&len, p, 4);
	if (len > WIRE_FRAME_MAX)
		return err_set(err, ERR_PROTOCOL, "a message of %u bytes is too large", len);
	if (have - 4 < len)
		return 0;
	if (too_deep(p + 4, len))
		return err_set(err, ERR_PROTOCOL, "a message is nested too deep");
	j = json_loadb(p + 4, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	if (!j || !json_is_object(j)) {
		json_decref(j);
		return err_set(err, ERR_PROTOCOL, "a message is not a JSON object: %s",
			       j ? "another type" : je.text);
	}
	w->in_done += 4 + len;
	*ret = j;
	return 1;
}

int wire_take_fd(struct wire *w)
{
	int fd;

	if (!w->n_fds)
		return -1;
	fd = w->fds[0];
	memmove(w->fds, w->fds + 1, sizeof(int) * (size_t)--w->n_fds);
	return fd;
}

/* Bytes of the UTF-8 character at s, 0 when it is none; jansson knows. */
static size_t character(const char *s)
{
	for (size_t n = 1; n <= strnlen(s, 4); n++) {
		json_t *j = json_stringn(s, n);

		json_decref(j);
		if (j)
			return n;
	}
	return 0;
}

json_t *wire_text(const char *s)
{
	json_t *j = json_string(s);
	struct strbuf sb = STRBUF(WIRE_FRAME_MAX);

	if (j)
		return j;
	while (*s) {
		size_t n = character(s);

		strbuf_add(&sb, n ? s : "?", n ? n : 1);
		s += n ? n : 1;
	}
	j = json_string(sb.buf);
	strbuf_release(&sb);
	return j;
}

json_t *wire_error(const struct error *err)
{
	json_t *j = json_object();

	json_object_set_new(j, "code", json_string(err_name(err->code)));
	json_object_set_new(j, "message", wire_text(err->msg));
	if (err->hint[0])
		json_object_set_new(j, "hint", wire_text(err->hint));
	return j;
}

void wire_to_error(const json_t *error, struct error *err)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(error, "hint"));

	(void)err_set(err, code ? err_by_name(code) : ERR_PROTOCOL, "%s",
		      message ? message : "the executor gave no reason");
	if (hint)
		(void)err_hint(err, "%s", hint);
}
