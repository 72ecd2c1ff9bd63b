#include "cmd/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/parse.h"
#include "lib/json/emit.h"

/* ---- results ---- */

static void put_json(struct emit *e, const char *key, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (text)
		emit_raw(e, key, text);
	else
		emit_null(e, key);
	free(text);
}

static void put_output(struct emit *e, const char *key, const struct job_capture *c)
{
	const char *text = c->text.buf;
	size_t len = c->text.len;
	bool cut = c->total > len;
	char name[32];

	/* not in the middle of a character: that would make it bytes */
	for (size_t back = 1; cut && back <= 3 && back <= len; back++) {
		const char *last = text + len - back;

		if (((unsigned char)*last & 0xc0) == 0x80)
			continue;
		if (((unsigned char)*last & 0xc0) == 0xc0 && !emit_utf8_len(last, back))
			len -= back;
		break;
	}
	emit_strn(e, key, text, len);
	(void)snprintf(name, sizeof(name), "%s_bytes", key);
	emit_uint(e, name, c->total);
	(void)snprintf(name, sizeof(name), "%s_truncated", key);
	emit_bool(e, name, cut);
}

static void put_failure(struct emit *e, const struct error *failure)
{
	if (!failure->code) {
		emit_null(e, "error");
		return;
	}
	emit_open(e, "error", '{');
	emit_str(e, "code", err_name(failure->code));
	emit_str(e, "message", failure->msg);
	emit_str(e, "hint", failure->hint[0] ? failure->hint : NULL);
	emit_close(e);
}

/* Is there an execution to look at? */
static bool recorded(const struct job *j)
{
	return j->record || j->failure.code == ERR_NO_COMMAND ||
		j->failure.code == ERR_CANNOT_RUN;
}

void result_print(struct batch *b, const struct job *j)
{
	static const char *const keys[] = {
		"state", "exit_code", "signal", "timed_out", "oom_killed", "cancelled", "name",
		"mode", "environment", "language", "labels", "degraded", "created_at",
		"started_at", "ended_at", "usage",
	};
	struct emit e = EMIT(b->ctx->out);

	emit_open(&e, NULL, '{');
	emit_str(&e, "schema", "faas.v1");
	if (j->item) {
		emit_uint(&e, "index", j->line - 1);
		emit_str(&e, "item", j->item);
		emit_str(&e, "branch", j->branch[0] && !j->status ? j->branch : NULL);
	} else {
		emit_uint(&e, "line", j->line);
		put_json(&e, "id", j->request.id);
	}
	emit_str(&e, "execution", recorded(j) ? j->id : NULL);
	emit_int(&e, "status", j->status);
	put_failure(&e, &j->failure);
	emit_uint(&e, "attempts", j->attempts);
	put_output(&e, "stdout", &j->captures[0]);
	put_output(&e, "stderr", &j->captures[1]);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		put_json(&e, keys[i], json_object_get(j->record, keys[i]));
	emit_close(&e);
	fputc('\n', b->ctx->out);
	(void)fflush(b->ctx->out);
}

/* ---- the job log ---- */

enum { LINES_MAX = 100000000 };

/* What is known of one line. */
struct logged {
	uint64_t digest;	/* 0: it is not done */
	int status;
	char *output;		/* base64, or NULL */
};

struct joblog {
	int fd;
	struct joblog_options options;
	struct logged *lines;	/* of line i + 1 */
	size_t n;
};

uint64_t joblog_digest(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	return h ? h : 1;
}

/* Takes what.output. */
static int remember(struct joblog *log, uint64_t line, struct logged what, struct error *err)
{
	if (line > log->n) {
		size_t n = line + line / 2 + 64;
		struct logged *more = reallocarray(log->lines, n, sizeof(*more));

		if (!more) {
			free(what.output);
			return err_sys(err, ENOMEM, "read the job log '%s'", log->options.path);
		}
		memset(more + log->n, 0, (n - log->n) * sizeof(*more));
		log->lines = more;
		log->n = n;
	}
	free(log->lines[line - 1].output);
	log->lines[line - 1] = what;
	return 0;
}

/* One entry. A line that is torn is of a job that is not done. */
static int read_entry(struct joblog *log, const char *text, size_t len, struct error *err)
{
	cleanup_json json_t *j = json_loadb(text, len, 0, NULL);
	json_int_t line = json_integer_value(json_object_get(j, "line"));
	const char *digest = json_string_value(json_object_get(j, "digest"));
	const char *output = json_string_value(json_object_get(j, "stdout_base64"));
	struct logged what = { 0 };
	char end;

	if (!digest || line < 1 || line > LINES_MAX ||
	    sscanf(digest, "%16" SCNx64 "%c", &what.digest, &end) != 1)
		return 0;
	what.status = (int)json_integer_value(json_object_get(j, "status"));
	if (log->options.failed_too && what.status)
		what.digest = 0;
	if (output && log->options.outputs && !(what.output = strdup(output)))
		return err_sys(err, ENOMEM, "read the job log '%s'", log->options.path);
	return remember(log, (uint64_t)line, what, err);
}

static int read_log(struct joblog *log, bool *ret_torn, struct error *err)
{
	cleanup_free char *line = NULL;
	FILE *f = fopen(log->options.path, "re");
	size_t size = 0;
	ssize_t n;
	int r = 0;

	*ret_torn = false;
	if (!f)
		return err_sys(err, errno, "read the job log '%s'", log->options.path);
	while (!r && (n = getline(&line, &size, f)) > 0) {
		*ret_torn = line[n - 1] != '\n';
		r = read_entry(log, line, (size_t)n, err);
	}
	if (!r && ferror(f))
		r = err_sys(err, errno, "read the job log '%s'", log->options.path);
	(void)fclose(f);
	return r;
}

int joblog_open(const struct joblog_options *options, struct joblog **ret, struct error *err)
{
	struct joblog *log = calloc(1, sizeof(*log));
	const char *path = options->path;
	bool torn = false;
	struct stat st;

	*ret = log;
	if (!log)
		abort();
	log->options = *options;
	log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return err_sys(err, errno, "open the job log '%s'", path);
	if (st.st_size && !options->resume) {
		(void)err_set(err, ERR_EXISTS, "the job log '%s' is not empty", path);
		return err_hint(err, "--resume goes on where it ends; or remove it");
	}
	if (!st.st_size)
		return 0;
	if (read_log(log, &torn, err) < 0)
		return -1;
	if (torn && write(log->fd, "\n", 1) != 1)
		return err_sys(err, errno, "write the job log '%s'", path);
	return 0;
}

void joblog_free(struct joblog *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		(void)close(log->fd);
	for (size_t i = 0; i < log->n; i++)
		free(log->lines[i].output);
	free(log->lines);
	free(log);
}

int joblog_has(const struct joblog *log, uint64_t line, uint64_t digest, struct error *err)
{
	const char *noun = log->options.noun;

	if (line > log->n || !log->lines[line - 1].digest)
		return 0;
	if (log->lines[line - 1].digest == digest)
		return 1;
	(void)err_set(err, ERR_CONFLICT, "%s %" PRIu64 " is another one than the job log '%s' "
		      "is about", noun, line, log->options.path);
	return err_hint(err, "resume with the %ss that it was begun with, or remove it", noun);
}

int joblog_replay(const struct joblog *log, struct job *j, struct error *err)
{
	const struct logged *what = &log->lines[j->line - 1];
	cleanup_free char *data = NULL;
	ssize_t n;

	j->status = what->status;
	if (j->status)
		return 0;
	if (!what->output) {
		(void)err_set(err, ERR_CONFLICT, "the job log '%s' does not hold what %s %" PRIu64
			      " wrote", log->options.path, log->options.noun, j->line);
		return err_hint(err, "it was begun without --reduce; remove it, and begin again");
	}
	data = malloc(strlen(what->output) + 1);
	n = data ? base64_decode(what->output, data) : -1;
	if (n < 0)
		return err_set(err, ERR_CORRUPT, "what the job log '%s' holds of %s %" PRIu64
			       " cannot be read", log->options.path, log->options.noun, j->line);
	strbuf_add(&j->captures[0].text, data, (size_t)n);
	j->captures[0].total = (uint64_t)n;
	if (strbuf_failed(&j->captures[0].text))
		return err_set(err, ERR_LIMIT, "%s %" PRIu64 " wrote more than --output-limit",
			       log->options.noun, j->line);
	return 0;
}

static int put_log_output(json_t *entry, const struct job *j)
{
	const struct strbuf *out = &j->captures[0].text;
	cleanup_free char *text = malloc(BASE64_SIZE(out->len));

	if (!text)
		return -1;
	base64_encode(out->buf, out->len, text);
	return json_object_set_new(entry, "stdout_base64", json_string(text));
}

int joblog_add(struct joblog *log, const struct job *j, struct error *err)
{
	const json_t *wall = json_object_get(json_object_get(j->record, "usage"), "wall_us");
	cleanup_json json_t *entry = NULL;
	char digest[20], now[FORMAT_TIME];
	struct timespec ts;
	char *text;
	size_t len;
	ssize_t n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)snprintf(digest, sizeof(digest), "%016" PRIx64, j->digest);
	entry = json_pack("{s:I,s:s,s:O?,s:s?,s:i,s:i,s:I,s:s}", "line", (json_int_t)j->line,
			  "digest", digest, "id", j->request.id, "execution",
			  recorded(j) ? j->id : NULL, "status", j->status, "attempts",
			  (int)j->attempts, "wall_us", json_integer_value(wall), "time",
			  format_time(now, (uint64_t)ts.tv_sec * 1000 +
				      (uint64_t)ts.tv_nsec / 1000000));
	text = log->options.outputs && put_log_output(entry, j) < 0
		? NULL : json_dumps(entry, JSON_COMPACT);
	if (!text)
		return err_sys(err, ENOMEM, "write the job log '%s'", log->options.path);
	len = strlen(text);
	text[len] = '\n';	/* in place of the end: one write */
	n = write(log->fd, text, len + 1);
	free(text);
	if (n != (ssize_t)len + 1)
		return err_sys(err, n < 0 ? errno : ENOSPC, "write the job log '%s'", log->options.path);
	return 0;
}
