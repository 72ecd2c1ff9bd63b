#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/instance.h"
#include "lib/base/parse.h"

/*
 * faas instance port-forward: TCP ports of this machine that are ports of an instance,
 * whatever network it has. Each connection gets a socket that the instance's first process
 * makes; from then on bytes are copied here.
 */

enum { FORWARDS_MAX = 64, CHUNK = 65536, BACKLOG = 1024 };

/* One way of one connection. */
struct way {
	int from, to;
	char *buf;
	size_t at, len;
	bool ended;		/* `from` has no more, and `to` knows */
};

struct pair {
	struct way ways[2];
};

struct forward {
	int fd;
	uint16_t remote;
};

struct forwarding {
	struct ctx *ctx;
	struct client *client;
	const char *what;
	struct forward forwards[FORWARDS_MAX];
	size_t n_forwards;
	struct pair **pairs;
	size_t n_pairs, size;
	struct pollfd *polls;
};

/* ---- what was asked for ---- */

static int parse_port(const char *text, size_t len, bool may_be_0, uint16_t *ret)
{
	char number[8];
	uint64_t port;

	if (!len || len >= sizeof(number))
		return -1;
	memcpy(number, text, len);
	number[len] = '\0';
	if (parse_u64(number, &port) < 0 || port > 65535 || (!port && !may_be_0))
		return -1;
	*ret = (uint16_t)port;
	return 0;
}

/* [ADDRESS:]LOCAL:REMOTE, or one number for both. */
static int parse_forward(const char *text, struct sockaddr_in *ret, uint16_t *ret_remote,
			 struct error *err)
{
	const char *last = strrchr(text, ':'), *first = strchr(text, ':');
	const char *local = first && first != last ? first + 1 : text;
	char address[INET_ADDRSTRLEN] = "127.0.0.1";
	uint16_t port;
	bool bad;

	if (first && first != last)
		(void)snprintf(address, sizeof(address), "%.*s",
			       first - text < INET_ADDRSTRLEN ? (int)(first - text) : 0, text);
	bad = parse_port(local, last ? (size_t)(last - local) : strlen(local), last, &port) < 0 ||
		parse_port(last ? last + 1 : text, strlen(last ? last + 1 : text), false,
			   ret_remote) < 0;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	if (!bad && inet_pton(AF_INET, address, &ret->sin_addr) == 1)
		return 0;
	(void)err_set(err, ERR_USAGE, "'%.64s' is not [ADDRESS:]LOCAL:REMOTE", text);
	return err_hint(err, "such as 8080:80, 0:80 for any free port here, or 0.0.0.0:8080:80");
}

static int listen_on(struct forwarding *f, const char *text, struct out *o, struct error *err)
{
	struct forward *to = &f->forwards[f->n_forwards];
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	char name[INET_ADDRSTRLEN] = "", shown[32];
	int on = 1;

	if (parse_forward(text, &at, &to->remote, err) < 0)
		return -1;
	to->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (to->fd < 0)
		return err_sys(err, errno, "make a socket");
	f->n_forwards++;
	(void)setsockopt(to->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(to->fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(to->fd, BACKLOG) < 0) {
		(void)err_sys(err, errno, "listen on port %u", ntohs(at.sin_port));
		return err_hint(err, "'ss -ltnp' shows who does; 0 takes any free port");
	}
	(void)getsockname(to->fd, (struct sockaddr *)&at, &size);
	(void)snprintf(shown, sizeof(shown), "%s:%u",
		       inet_ntop(AF_INET, &at.sin_addr, name, sizeof(name)), ntohs(at.sin_port));
	out_row(o);
	out_str(o, "local", shown);
	out_uint(o, "remote", to->remote);
	return 0;
}

/* ---- connections ---- */

static void pair_free(struct pair *p)
{
	(void)close(p->ways[0].from);
	(void)close(p->ways[0].to);
	free(p->ways[0].buf);
	free(p->ways[1].buf);
	free(p);
}

static int add_pair(struct forwarding *f, int here, int there)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (f->n_pairs == f->size) {
		size_t size = f->size ? f->size * 2 : 16;
		struct pair **pairs = reallocarray(f->pairs, size, sizeof(struct pair *));

		if (pairs) {
			f->pairs = pairs;
			f->size = size;
		}
	}
	if (p && f->n_pairs < f->size) {
		p->ways[0] = (struct way){ .from = here, .to = there, .buf = malloc(CHUNK) };
		p->ways[1] = (struct way){ .from = there, .to = here, .buf = malloc(CHUNK) };
		if (p->ways[0].buf && p->ways[1].buf) {
			f->pairs[f->n_pairs++] = p;
			return 0;
		}
		free(p->ways[0].buf);
		free(p->ways[1].buf);
	}
	free(p);
	return -1;
}

/* Of one that is refused there the connection here ends, too. */
static int take(struct forwarding *f, const struct forward *forward, struct error *err)
{
	int here = accept4(forward->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), there;
	json_t *params = instance_id(f->what);
	cleanup_json json_t *done = NULL;

	json_object_set_new(params, "port", json_integer(forward->remote));
	if (here < 0) {
		json_decref(params);
		return 0;
	}
	if (client_call(f->client, "instance.connect", params, &done, err) < 0) {
		(void)close(here);
		if (client_lost(f->client))
			return client_reconnect(&f->client, err);
		if (err->code == ERR_NOT_FOUND)
			return -1;
		out_warn(f->ctx, "%s", err->msg);
		return 0;
	}
	there = client_take_fd(f->client);
	if (there >= 0 && !add_pair(f, here, there))
		return 0;
	(void)close(here);
	if (there >= 0)
		(void)close(there);
	return 0;
}

/* -1: the connection is broken. */
static int move(struct way *w)
{
	ssize_t n;

	if (!w->len && !w->ended) {
		n = read(w->from, w->buf, CHUNK);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		if (!n) {
			w->ended = true;
			(void)shutdown(w->to, SHUT_WR);
		}
		w->at = 0;
		w->len = (size_t)n;
	}
	if (!w->len)
		return 0;
	n = send(w->to, w->buf + w->at, w->len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	w->at += (size_t)n;
	w->len -= (size_t)n;
	return 0;
}

/* What each end is waited for: to be read when there is room, to be written to when there is need. */
static void set_polls(struct pollfd *p, const struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		const struct way *w = &pair->ways[i], *back = &pair->ways[1 - i];
		short events = (short)((!w->ended && !w->len ? POLLIN : 0) |
				       (back->len ? POLLOUT : 0));

		p[i] = (struct pollfd){ events ? w->from : -1, events, 0 };
	}
}

static void serve_pairs(struct forwarding *f, const struct pollfd *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n_pairs; i++, p += 2) {
		struct pair *pair = f->pairs[i];
		bool ready = p[0].revents || p[1].revents, over;

		over = ready && (move(&pair->ways[0]) < 0 || move(&pair->ways[1]) < 0);
		for (int k = 0; k < 2 && !over; k++)
			over = pair->ways[k].ended && pair->ways[1 - k].ended &&
				!pair->ways[k].len && !pair->ways[1 - k].len;
		if (over)
			pair_free(pair);
		else
			f->pairs[kept++] = pair;
	}
	f->n_pairs = kept;
}

static int turn(struct forwarding *f, struct error *err)
{
	size_t n = f->n_forwards + 2 * f->n_pairs;
	struct pollfd *p = reallocarray(f->polls, n, sizeof(*p));

	if (!p)
		return err_sys(err, ENOMEM, "forward ports");
	f->polls = p;
	for (size_t i = 0; i < f->n_forwards; i++)
		p[i] = (struct pollfd){ f->forwards[i].fd, POLLIN, 0 };
	for (size_t i = 0; i < f->n_pairs; i++)
		set_polls(p + f->n_forwards + 2 * i, f->pairs[i]);
	if (poll(p, (nfds_t)n, -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, errno, "forward ports");
	serve_pairs(f, p + f->n_forwards);
	for (size_t i = 0; i < f->n_forwards; i++)
		if (p[i].revents && take(f, &f->forwards[i], err) < 0)
			return -1;
	return 0;
}

static void forwarding_release(struct forwarding *f)
{
	for (size_t i = 0; i < f->n_forwards; i++)
		(void)close(f->forwards[i].fd);
	for (size_t i = 0; i < f->n_pairs; i++)
		pair_free(f->pairs[i]);
	free(f->pairs);
	free(f->polls);
	client_free(f->client);
}

#define ARGS struct forward_args
ARGS {
	struct out_opts out;
	const char *what;
	struct opt_strs ports;
};

static const struct opt forward_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND("instance", ARGS, what, HINT_INSTANCE, "instance whose ports they are"),
	OPERAND_LIST("ports", ARGS, ports, HINT_NONE,
		     "[ADDRESS:]LOCAL:REMOTE, or one number for both; 0 is any free port"),
	OPT_END
};

static const struct out_column columns[] = {
	{ "local" }, { "remote", .flags = OUT_RIGHT }, { NULL }
};

static int forward_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct forwarding f = { .ctx = ctx, .what = args->what };
	cleanup_json json_t *i = NULL;
	struct error ignored;
	struct out o;
	int r;

	if (args->ports.n > FORWARDS_MAX)
		return err_set(err, ERR_USAGE, "more than %d ports", FORWARDS_MAX);
	if (executor_connect(&f.client, err) < 0 ||
	    client_call(f.client, "instance.get", instance_id(args->what), &i, err) < 0) {
		forwarding_release(&f);
		return -1;
	}
	out_list(&o, ctx, &args->out, "forwards", columns);
	for (int n = r = 0; !r && n < args->ports.n; n++)
		r = listen_on(&f, args->ports.v[n], &o, err);
	if (out_end(&o, r < 0 ? &ignored : err) < 0)
		r = -1;
	(void)fflush(ctx->out);
	while (!r)
		r = turn(&f, err);
	forwarding_release(&f);
	return r;
}

static const char *const examples[] = {
	"faas instance port-forward web 8080:80 0:5432", NULL
};

const struct cmd instance_cmd_forward = {
	.name = "port-forward",
	.summary = "make TCP ports of an instance ports of this machine",
	.args_size = sizeof(ARGS),
	.opts = forward_opts,
	.run = forward_run,
	.examples = examples,
};
