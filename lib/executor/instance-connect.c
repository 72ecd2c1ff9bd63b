#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/executor/instance.h"

/* Sockets in the sandbox's own network: pid 1 makes them, and they are the client's. */

struct instance_connect {
	struct instance_connect *next;
	struct session *session;
	json_int_t request;
	uint64_t number;
	uint32_t port;
};

static void refuse(const struct live_instance *i, const struct instance_connect *c, int errnum)
{
	struct error err;

	(void)err_sys(&err, errnum, "connect to port %u of instance '%s'", c->port,
		      instance_name(i));
	err.code = ERR_UNAVAILABLE;
	(void)err_hint(&err, "does its program listen there? 'faas instance logs %s'",
		       instance_name(i));
	session_error(c->session, c->request, &err);
}

int instance_connect(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	static uint64_t number;
	const char *protocol = json_string_value(json_object_get(params, "protocol"));
	json_int_t port = json_integer_value(json_object_get(params, "port"));
	struct live_instance *i = instance_find(s->x,
				       json_string_value(json_object_get(params, "id")), err);
	struct msg_connect m = { .h.type = MSG_CONNECT, .port = (uint32_t)port };
	struct sandbox *box = instance_sandbox(i);
	struct instance_connect *c;

	if (!i || instance_check(i, VERB_EXEC, err) < 0)
		return -1;
	if (port < 1 || port > 65535)
		return err_set(err, ERR_USAGE, "%lld is not a port, from 1 to 65535",
			       (long long)port);
	if (protocol && strcmp(protocol, "tcp") && strcmp(protocol, "udp"))
		return err_set(err, ERR_USAGE, "'%.32s' is neither tcp nor udp", protocol);
	m.udp = protocol && !strcmp(protocol, "udp");
	m.number = ++number;
	if (!box)
		return err_set(err, ERR_BUSY, "instance '%s' is not reached yet", instance_name(i));
	if (sandbox_send(box, &m, sizeof(m), NULL, 0, NULL, 0, err) < 0)
		return -1;
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_sys(err, ENOMEM, "connect");
	*c = (struct instance_connect){ i->connects, s, id, m.number, m.port };
	i->connects = c;
	instance_used(&i->rec);
	return 0;
}

void instance_connected(struct live_instance *i, struct message *m)
{
	const struct msg_connect *answer = (const void *)m->h;

	for (struct instance_connect **at = &i->connects; *at; at = &(*at)->next) {
		struct instance_connect *c = *at;

		if (c->number != answer->number)
			continue;
		*at = c->next;
		if (answer->errnum || !m->n_fds)
			refuse(i, c, answer->errnum ? answer->errnum : EPROTO);
		else
			session_result(c->session, c->request, json_pack("{s:i}", "port",
									  (int)c->port), m->fds, 1);
		free(c);
		return;
	}
}

void instance_connects_lost(struct live_instance *i, const struct session *s)
{
	for (struct instance_connect **at = &i->connects; *at;) {
		struct instance_connect *c = *at;

		if (s && c->session != s) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		if (!s)
			refuse(i, c, ECONNRESET);
		free(c);
	}
}
