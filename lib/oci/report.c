#include "lib/oci/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { PROGRESS_MS = 100, LINE_LIMIT = 1 << 20 };

uint64_t oci_clock_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Nobody listens any more: the exit status still tells. */
static void send_text(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

void oci_report_line(const struct oci_report *r, json_t *line)
{
	cleanup_free char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(line);
	if (!text)
		return;
	/* the NUL becomes the end of the line */
	text[len] = '\n';
	send_text(r->fd, text, len + 1);
}

void oci_report_progress(struct oci_report *r)
{
	uint64_t now = oci_clock_ms();

	if (now - r->last_ms < PROGRESS_MS)
		return;
	r->last_ms = now;
	oci_report_line(r, json_pack("{s:{s:s,s:I,s:I,s:i,s:i}}", "progress", "phase", "fetch",
				     "bytes", (json_int_t)r->bytes, "total", (json_int_t)r->total,
				     "done", (int)r->done, "layers", (int)r->layers));
}

void oci_report_blob(const struct oci_report *r, const struct image_blob *blob,
		     const char *state)
{
	oci_report_line(r, json_pack("{s:{s:s,s:s,s:s,s:I,s:i,s:i}}", "progress", "phase", "blob",
				     "state", state, "digest", blob->digest, "size",
				     (json_int_t)blob->size, "done", (int)r->done, "layers",
				     (int)r->layers));
}

int oci_report_image(const struct oci_report *r, const char *digest, json_t *config,
		     const struct image_blob *layers, size_t n, struct error *err)
{
	json_t *list = json_array(), *line;
	char *text;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s,s:I}", "digest", layers[i].digest,
						      "size", (json_int_t)layers[i].size));
	json_object_del(config, "diff_ids");
	line = json_pack("{s:b,s:s,s:o,s:o}", "ok", 1, "digest", digest, "config", config,
			 "layers", list);
	text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	if (!text || strlen(text) >= LINE_LIMIT) {
		json_decref(line);
		free(text);
		return err_set(err, ERR_LIMIT, "the image's configuration is too large");
	}
	free(text);
	oci_report_line(r, line);
	return 0;
}

void oci_report_error(const struct oci_report *r, const struct error *err)
{
	char msg[sizeof(err->msg)] = "", hint[sizeof(err->hint)] = "";

	/* a registry's words may hold anything, and be cut inside of a character */
	for (size_t i = 0; i < sizeof(msg); i++)
		msg[i] = err->msg[i] && (unsigned char)(err->msg[i] - 32) > 94 ? '?' : err->msg[i];
	for (size_t i = 0; i < sizeof(hint); i++)
		hint[i] = err->hint[i] && (unsigned char)(err->hint[i] - 32) > 94 ? '?' :
			err->hint[i];
	oci_report_line(r, hint[0] ?
		json_pack("{s:b,s:s,s:s,s:s}", "ok", 0, "code", err_name(err->code), "message",
			  msg, "hint", hint) :
		json_pack("{s:b,s:s,s:s}", "ok", 0, "code", err_name(err->code), "message", msg));
}
