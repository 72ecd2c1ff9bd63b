#include "lib/statehelper/text.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { SNIFF = 8000 };			/* as git looks for NUL */

static int fail(struct error *err, const char *what)
{
	const git_error *e = git_error_last();

	return err_set(err, ERR_SYSTEM, "%s: %.200s", what, e && e->message ? e->message : "libgit2");
}

/* It costs 10 ms, and most merges have no two texts to merge. */
static int begin(struct error *err)
{
	static bool begun;

	if (begun)
		return 0;
	if (git_libgit2_init() < 0)
		return fail(err, "start libgit2");
	begun = true;
	return 0;
}

struct text {
	char *p;
	size_t len;
};

static void text_release(struct text *t)
{
	free(t->p);
	*t = (struct text){ NULL };
}
DEFINE_CLEANUP(struct text *, text_release);

/* 1: *ret is text; 0: it is not, or is too long for it. */
static int load(int fd, struct text *ret, struct error *err)
{
	size_t room, done = 0;
	struct stat st;

	*ret = (struct text){ NULL };
	if (fd < 0)
		return 1;
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "read it");
	if (st.st_size > TEXT_MAX)
		return 0;
	room = (size_t)st.st_size;
	ret->p = malloc(room + 1);
	if (!ret->p)
		return err_sys(err, ENOMEM, "read it");
	while (done < room) {
		ssize_t n = pread(fd, ret->p + done, room - done, (off_t)done);

		if (n < 0)
			return err_sys(err, errno, "read it");
		if (!n)
			break;
		done += (size_t)n;
	}
	ret->len = done;
	return !memchr(ret->p, '\0', done < SNIFF ? done : SNIFF);
}

static git_merge_file_input input(const struct text *t)
{
	git_merge_file_input in = GIT_MERGE_FILE_INPUT_INIT;

	in.ptr = t->p ? t->p : "";
	in.size = t->len;
	return in;
}

static const char *label(const struct merge *m, enum merge_from side)
{
	static const char *const names[] = { "base", "ours", "theirs" };

	return m->label[side] ? m->label[side] : names[side];
}

static int give(const git_merge_file_result *result, char **ret, size_t *len, struct error *err)
{
	*len = result->len;
	*ret = malloc(result->len + 1);
	if (!*ret)
		return err_sys(err, ENOMEM, "merge its lines");
	memcpy(*ret, result->ptr ? result->ptr : "", result->len);
	return 0;
}

int text_merge(const struct merge *m, const int fds[3], char **ret, size_t *len,
	       struct error *err)
{
	static const git_merge_file_favor_t favors[MERGE__MAX] = {
		[MERGE_OURS] = GIT_MERGE_FILE_FAVOR_OURS,
		[MERGE_THEIRS] = GIT_MERGE_FILE_FAVOR_THEIRS,
		[MERGE_UNION] = GIT_MERGE_FILE_FAVOR_UNION,
	};
	git_merge_file_options opts = GIT_MERGE_FILE_OPTIONS_INIT;
	CLEANUP(text_release) struct text *base = &(struct text){ NULL };
	CLEANUP(text_release) struct text *ours = &(struct text){ NULL };
	CLEANUP(text_release) struct text *theirs = &(struct text){ NULL };
	struct text *const all[] = { base, ours, theirs };
	git_merge_file_result result = { 0 };
	git_merge_file_input in[3];
	int r;

	for (int i = 0; i < 3; i++) {
		r = load(fds[i], all[i], err);
		if (r <= 0)
			return r < 0 ? -1 : TEXT_BINARY;
		in[i] = input(all[i]);
	}
	if (begin(err) < 0)
		return -1;
	opts.favor = favors[m->strategy];
	opts.flags = m->markers == MARKERS_DIFF3 ? GIT_MERGE_FILE_STYLE_DIFF3
		: GIT_MERGE_FILE_STYLE_MERGE;
	opts.ancestor_label = label(m, FROM_BASE);
	opts.our_label = label(m, FROM_OURS);
	opts.their_label = label(m, FROM_THEIRS);
	if (git_merge_file(&result, &in[0], &in[1], &in[2], &opts) < 0)
		return fail(err, "merge its lines");
	r = result.automergeable ? TEXT_MERGED : TEXT_CONFLICT;
	if ((r == TEXT_MERGED || m->markers) && give(&result, ret, len, err) < 0)
		r = -1;
	git_merge_file_result_free(&result);
	return r;
}

struct comparison {
	struct text_diff *diff;
	struct strbuf *patch;
};

static int on_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *data)
{
	struct comparison *c = data;

	(void)delta;
	if (c->patch)
		strbuf_add(c->patch, hunk->header, hunk->header_len);
	return 0;
}

static int on_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
		   const git_diff_line *line, void *data)
{
	struct comparison *c = data;

	(void)delta;
	(void)hunk;
	c->diff->added += line->origin == GIT_DIFF_LINE_ADDITION;
	c->diff->deleted += line->origin == GIT_DIFF_LINE_DELETION;
	if (!c->patch)
		return 0;
	/* the others say that there is no line end, in words of their own */
	if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
	    line->origin == GIT_DIFF_LINE_DELETION)
		strbuf_addc(c->patch, line->origin);
	strbuf_add(c->patch, line->content, line->content_len);
	return 0;
}

static int load_side(const struct text_side *side, struct text *ret, struct error *err)
{
	if (side->fd >= 0)
		return load(side->fd, ret, err);
	ret->p = strndup(side->link, side->link_len);
	ret->len = side->link_len;
	return ret->p ? 1 : err_sys(err, ENOMEM, "read it");
}

int text_compare(const struct text_side *from, const struct text_side *to, struct text_diff *ret,
		 struct strbuf *patch, struct error *err)
{
	CLEANUP(text_release) struct text *a = &(struct text){ NULL };
	CLEANUP(text_release) struct text *b = &(struct text){ NULL };
	struct comparison c = { ret, patch };
	git_diff_options opts = GIT_DIFF_OPTIONS_INIT;
	int r = load_side(from, a, err);

	*ret = (struct text_diff){ 0 };
	if (r > 0)
		r = load_side(to, b, err);
	if (r < 0)
		return -1;
	ret->binary = !r;
	if (ret->binary)
		return 0;
	if (begin(err) < 0)
		return -1;
	opts.flags = GIT_DIFF_FORCE_TEXT;
	if (git_diff_buffers(a->p ? a->p : "", a->len, "a", b->p ? b->p : "", b->len, "b", &opts,
			     NULL, NULL, on_hunk, on_line, &c) < 0)
		return fail(err, "compare its lines");
	return 0;
}
