#include "lib/executor/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct work {
	struct source source;		/* the helper's lines */
	struct work *next;
	struct executor *x;
	struct session *session;	/* NULL when it has gone, or nobody waits */
	json_int_t request;
	struct task *helper;
	work_done *done;
	void *data;
	json_t *snapshots;
	uint64_t began_us;
	bool for_session;
};

static void unlink_work(struct work *w)
{
	for (struct work **at = &w->x->works; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			return;
		}
}

static void finish(struct work *w, json_t *result, struct error *err)
{
	json_t *answer = NULL;
	int r = w->done(w->x, w->data, result, &answer, err);

	if (r == WORK_GOES_ON)
		goto out;
	if (w->session && r < 0)
		session_error(w->session, w->request, err);
	else if (w->session)
		session_result(w->session, w->request, json_incref(answer), NULL, 0);
out:
	json_decref(answer);
	json_decref(result);
	json_decref(w->snapshots);
	free(w);
}

static void on_line(struct source *s, uint32_t events)
{
	struct work *w = (struct work *)s;
	json_t *result = NULL;
	struct error err = { 0 };

	(void)events;
	if (!task_read(w->helper))
		return;
	event_remove(w->x, s);
	unlink_work(w);
	w->x->busy_us = clock_us();
	if (task_finish(w->helper, &result, &err) < 0)
		result = NULL;
	finish(w, result, &err);
}

static void on_progress(void *data, const json_t *progress)
{
	struct work *w = data;

	if (w->session)
		session_event(w->session, w->request, "progress",
			      json_incref((json_t *)(uintptr_t)progress), NULL, 0);
}

int work_start(struct executor *x, const struct work_request *req, struct session *s,
	       json_int_t id, struct error *err)
{
	struct work *w = calloc(1, sizeof(*w));
	struct task_request ask = req->helper;

	if (!w)
		return err_sys(err, ENOMEM, "start a helper");
	*w = (struct work){
		.x = x, .session = s, .request = id, .done = req->done, .data = req->data,
		.for_session = req->for_session, .began_us = clock_us(),
		.snapshots = json_deep_copy(req->snapshots),
	};
	ask.progress = on_progress;
	ask.data = w;
	if (task_start(&ask, &w->helper, err) < 0) {
		json_decref(w->snapshots);
		free(w);
		return -1;
	}
	w->source = (struct source){ .fd = task_fd(w->helper), .ready = on_line };
	if (event_add(x, &w->source, EPOLLIN, err) < 0) {
		task_free(w->helper);
		json_decref(w->snapshots);
		free(w);
		return -1;
	}
	w->next = x->works;
	x->works = w;
	return 0;
}

bool work_holds(const struct executor *x, const char *id)
{
	for (const struct work *w = x->works; w; w = w->next) {
		json_t *one;
		size_t i;

		json_array_foreach(w->snapshots, i, one)
			if (!strcmp(json_string_value(one), id))
				return true;
	}
	return false;
}

void work_each_held(const struct executor *x, void (*each)(void *arg, const char *id), void *arg)
{
	for (const struct work *w = x->works; w; w = w->next) {
		json_t *one;
		size_t i;

		json_array_foreach(w->snapshots, i, one)
			each(arg, json_string_value(one));
	}
}

json_t *work_report(const struct executor *x)
{
	json_t *list = json_array();

	for (const struct work *w = x->works; w; w = w->next)
		json_array_append_new(list, json_pack("{s:I,s:I}", "pid", (json_int_t)task_pid(w->helper),
						      "seconds", (json_int_t)((clock_us() - w->began_us) /
									      1000000)));
	return list;
}

static void end(struct work *w, const char *why)
{
	struct error err = { 0 };

	event_remove(w->x, &w->source);
	unlink_work(w);
	task_free(w->helper);
	(void)err_set(&err, ERR_UNAVAILABLE, "%s", why);
	finish(w, NULL, &err);
}

void work_session_gone(struct session *s)
{
	struct work *next;

	for (struct work *w = s->x->works; w; w = next) {
		next = w->next;
		if (w->session != s)
			continue;
		w->session = NULL;
		if (w->for_session)
			end(w, "the client has gone");
	}
}

void work_stop_all(struct executor *x)
{
	while (x->works)
		end(x->works, "the executor stops");
}
