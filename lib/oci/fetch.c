#include "lib/oci/fetch.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/parse.h"

enum {
	PARALLEL = 6,
	POLL_MS = 100,
	ERROR_BODY = 4096,
};

enum state { WAITING, RUNNING, DONE };

struct job {
	enum state state;
	struct fetch *fetch;
	struct image_blob blob;
	struct blob_file file;		/* fd -1 when it is not begun */
	CURL *curl;
	struct http_reply reply;
	struct error err;		/* of a write */
	uint64_t not_before_ms;
	unsigned int tries;		/* without a byte that is new */
	unsigned int logins;		/* tokens that there were when it asked */
	int64_t began_at;
	bool judged;			/* the status has been looked at */
	bool again;			/* what it had from earlier was wrong */
	bool told;			/* that it is begun */
	uint64_t counted;		/* of report->bytes */
	char url[REGISTRY_URL];
};

struct fetch {
	struct registry *r;
	const struct blobs *store;
	struct oci_report *report;
	CURLM *multi;
	struct job jobs[IMAGE_LAYERS + 1];
	size_t n;
	unsigned int running;
};

static void count(struct job *j, uint64_t bytes)
{
	j->fetch->report->bytes = j->fetch->report->bytes - j->counted + bytes;
	j->counted = bytes;
}

static void done(struct job *j)
{
	j->state = DONE;
	count(j, (uint64_t)j->blob.size);
	j->fetch->report->done++;
	oci_report_blob(j->fetch->report, &j->blob, j->told ? "done" : "here");
}

/* "bytes 100-199/200": does it begin where we are? */
static bool goes_on(const struct job *j)
{
	char number[32];
	uint64_t from;
	size_t n;

	if (strncmp(j->reply.range, "bytes ", 6))
		return false;
	n = strcspn(j->reply.range + 6, "-");
	(void)snprintf(number, sizeof(number), "%.*s", n > 20 ? 20 : (int)n, j->reply.range + 6);
	return parse_u64(number, &from) == 0 && (int64_t)from == j->file.at;
}

/* Before the first byte: is it the blob, and from where? */
static int judge(struct job *j, struct error *err)
{
	long status = 0;

	curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &status);
	j->judged = true;
	j->reply.status = status;
	if (status == 206 && !goes_on(j))
		return err_set(err, ERR_PROTOCOL, "'%s': another part came than was asked for",
			       j->blob.digest);
	/* it does not know of parts */
	if (status == 200 && j->file.at)
		return blob_restart(&j->file, err);
	return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct job *j = arg;

	n *= size;
	if (!j->judged && judge(j, &j->err) < 0)
		return 0;
	if (j->reply.status != 200 && j->reply.status != 206) {
		strbuf_add(&j->reply.body, data, n);
		return strbuf_failed(&j->reply.body) ? 0 : n;
	}
	if (blob_write(&j->file, data, n, &j->err) < 0)
		return 0;
	count(j, (uint64_t)j->file.at);
	return n;
}

/* Checks what has come; what an earlier attempt left may have been wrong. */
static int commit(struct job *j, struct error *err)
{
	bool resumed = j->file.resumed && !j->again;

	if (blob_commit(&j->file, err) == 0) {
		done(j);
		return 0;
	}
	if (!resumed || err->code != ERR_PROTOCOL)
		return -1;
	j->again = true;
	j->state = WAITING;
	j->not_before_ms = 0;
	return 0;
}

static int start(struct fetch *f, struct job *j, struct error *err)
{
	int r = 1;

	if (j->file.fd < 0)
		r = blob_begin(f->store, &j->blob, &j->file, err);
	if (r < 0)
		return -1;
	if (!r) {	/* another fetches it: look again later */
		j->not_before_ms = oci_clock_ms() + POLL_MS;
		if (blobs_have(f->store, &j->blob))
			done(j);
		return 0;
	}
	if (blobs_have(f->store, &j->blob)) {	/* it has just come */
		if (blob_restart(&j->file, err) < 0)
			return -1;
		blob_end(&j->file);
		done(j);
		return 0;
	}
	if (j->file.at == j->blob.size)	/* all but its name was there */
		return commit(j, err);
	j->began_at = j->file.at;
	j->judged = false;
	j->err = (struct error){ .code = ERR_NONE };
	http_reply_release(&j->reply);
	j->reply = (struct http_reply){ .body = STRBUF(ERROR_BODY) };
	registry_blob_url(f->r, j->blob.digest, j->url);
	j->curl = http_handle(&f->r->http, j->url, &j->reply, err);
	if (!j->curl)
		return -1;
	curl_easy_setopt(j->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(j->curl, CURLOPT_WRITEDATA, j);
	curl_easy_setopt(j->curl, CURLOPT_PRIVATE, j);
	if (j->file.at) {
		char range[32];

		(void)snprintf(range, sizeof(range), "%lld-", (long long)j->file.at);
		curl_easy_setopt(j->curl, CURLOPT_RANGE, range);
	}
	if (curl_multi_add_handle(f->multi, j->curl) != CURLM_OK)
		return err_set(err, ERR_LIMIT, "no memory to fetch a layer");
	count(j, (uint64_t)j->file.at);
	if (!j->told)
		oci_report_blob(f->report, &j->blob, "begun");
	j->told = true;
	j->logins = f->r->tokens;
	j->state = RUNNING;
	f->running++;
	return 0;
}

static int try_again(struct job *j, uint64_t ms)
{
	if (j->file.at > j->began_at)
		j->tries = 0;
	else
		j->tries++;
	j->state = WAITING;
	j->not_before_ms = oci_clock_ms() + ms;
	return 0;
}

/* Not whole, and the connection is gone. */
static int cut_short(struct job *j, const char *what, struct error *err)
{
	if (j->tries + 1 < HTTP_TRIES)
		return try_again(j, UINT64_C(200) << j->tries);
	if (j->reply.code != CURLE_OK)
		return http_error(&j->reply, what, err);
	return err_set(err, ERR_PROTOCOL, "%s ends after %lld of %lld bytes", what,
		       (long long)j->file.at, (long long)j->blob.size);
}

static int ended(struct fetch *f, struct job *j, CURLcode code, struct error *err)
{
	char what[IMAGE_DIGEST + 16];
	uint64_t ms;

	(void)snprintf(what, sizeof(what), "blob '%.19s'", j->blob.digest);
	http_take(j->curl, code, &j->reply);
	curl_multi_remove_handle(f->multi, j->curl);
	curl_easy_cleanup(TAKE_PTR(j->curl));
	f->running--;
	if (j->err.code) {
		/* what is wrong does not get right by more of it */
		if (j->err.code == ERR_PROTOCOL && blob_restart(&j->file, err) < 0)
			return -1;
		*err = j->err;
		return -1;
	}
	if (j->reply.status == 401 && j->tries++ < HTTP_TRIES) {
		/* a token has expired; another job may have a new one already */
		if (j->logins == f->r->tokens &&
		    registry_login(f->r, &j->reply, what, err) < 0)
			return -1;
		j->state = WAITING;
		return 0;
	}
	if (j->reply.status == 416)	/* it has no more than we have */
		return blob_restart(&j->file, err) < 0 ? -1 : cut_short(j, what, err);
	if ((code == CURLE_OK && (j->reply.status == 200 || j->reply.status == 206)) ||
	    j->file.at > j->began_at) {
		if (j->file.at == j->blob.size)
			return commit(j, err);
		return cut_short(j, what, err);
	}
	if (http_again(&j->reply, j->tries, &ms))
		return try_again(j, ms);
	return http_error(&j->reply, what, err);
}

static int start_some(struct fetch *f, struct error *err)
{
	uint64_t now = oci_clock_ms();

	for (size_t i = 0; i < f->n && f->running < PARALLEL; i++) {
		struct job *j = &f->jobs[i];

		if (j->state != WAITING || j->not_before_ms > now)
			continue;
		if (start(f, j, err) < 0)
			return -1;
	}
	return 0;
}

static int take_messages(struct fetch *f, struct error *err)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		struct job *j = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &j);
		if (ended(f, j, msg->data.result, err) < 0)
			return -1;
	}
	return 0;
}

static int loop(struct fetch *f, struct error *err)
{
	while (f->report->done < f->report->layers) {
		int still;

		if (start_some(f, err) < 0)
			return -1;
		if (curl_multi_perform(f->multi, &still) != CURLM_OK)
			return err_set(err, ERR_SYSTEM, "libcurl failed");
		if (take_messages(f, err) < 0)
			return -1;
		oci_report_progress(f->report);
		if (f->report->done < f->report->layers)
			(void)curl_multi_poll(f->multi, NULL, 0, POLL_MS, NULL);
	}
	return 0;
}

/* One digest may be several layers, and is fetched once. */
static void add(struct fetch *f, const struct image_blob *blob)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->jobs[i].blob.digest, blob->digest))
			return;
	f->jobs[f->n++] = (struct job){
		.fetch = f, .blob = *blob, .file = { .fd = -1 },
		.reply = { .body = STRBUF(ERROR_BODY) },
	};
	f->report->layers++;
	f->report->total += (uint64_t)blob->size;
}

int fetch_all(struct registry *r, const struct blobs *store, const struct image_manifest *m,
	      struct oci_report *report, struct error *err)
{
	struct fetch *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return err_set(err, ERR_LIMIT, "no memory to fetch an image");
	*f = (struct fetch){ .r = r, .store = store, .report = report };
	f->multi = curl_multi_init();
	add(f, &m->config);
	for (size_t i = 0; i < m->n; i++)
		add(f, &m->layers[i]);
	/* how many there are is known now */
	for (size_t i = 0; i < f->n; i++)
		if (blobs_have(store, &f->jobs[i].blob))
			done(&f->jobs[i]);
	ret = f->multi ? loop(f, err) : err_set(err, ERR_LIMIT, "no memory to fetch an image");
	for (size_t i = 0; i < f->n; i++) {
		if (f->jobs[i].curl) {
			curl_multi_remove_handle(f->multi, f->jobs[i].curl);
			curl_easy_cleanup(f->jobs[i].curl);
		}
		http_reply_release(&f->jobs[i].reply);
		blob_end(&f->jobs[i].file);
	}
	curl_multi_cleanup(f->multi);
	free(f);
	return ret;
}
