#include "lib/statehelper/digest.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "lib/statehelper/queue.h"
#include "lib/statehelper/verb.h"

enum { HALF = HASH_TEXT - 1, ALONE_BYTES = 1 << 20 };

/* What is added, and to which of the hashes. */
enum { TO_FULL, TO_BOTH, TO_CONTENT, END_CONTENT };

void digest_begin(struct digest *d)
{
	*d = (struct digest){ .queue = NULL };
	hash_begin(&d->full);
	hash_begin(&d->plain);
	hash_begin(&d->content);
	hash_add_text(&d->full, "faas layer 1");
	hash_add_text(&d->plain, "faas layer 1 without owners");
}

static void use(void *arg, int what, uint64_t at, const void *data, size_t len)
{
	unsigned char raw[HASH_BYTES];
	struct digest *d = arg;

	switch (what) {
	case TO_CONTENT:
		hash_add_u64(&d->content, at);
		hash_add(&d->content, data, len);
		return;
	case END_CONTENT:
		hash_raw(&d->content, raw);
		hash_begin(&d->content);
		data = raw;
		len = sizeof(raw);
		break;
	}
	hash_add(&d->full, data, len);
	if (what != TO_FULL)
		hash_add(&d->plain, data, len);
}

char *digest_room(struct digest *d)
{
	static char block[WALK_BLOCK];

	if (!d->queue && !d->alone && d->bytes >= ALONE_BYTES) {
		d->queue = queue_start(use, d);
		d->alone = !d->queue;
	}
	return d->queue ? queue_room(d->queue, WALK_BLOCK) : block;
}

/* What is in the room. */
static void add_room(struct digest *d, int what, uint64_t at, const void *room, size_t len)
{
	if (d->queue)
		queue_add(d->queue, what, at, len);
	else
		use(d, what, at, room, len);
}

static void add(struct digest *d, int what, const void *data, size_t len)
{
	if (d->queue) {
		char *room = queue_room(d->queue, len);

		if (len)
			memcpy(room, data, len);
		queue_add(d->queue, what, 0, len);
	} else {
		use(d, what, 0, data, len);
	}
}

static void add_u64(struct digest *d, int what, uint64_t n)
{
	uint64_t le = htole64(n);

	add(d, what, &le, sizeof(le));
}

static void add_text(struct digest *d, const char *text)
{
	size_t len = strlen(text);

	add_u64(d, TO_BOTH, len);
	add(d, TO_BOTH, text, len);
}

static char letter(const struct walk_entry *e)
{
	if (e->whiteout)
		return 'w';
	if (e->same)
		return 'h';
	switch (e->st.st_mode & S_IFMT) {
	case S_IFDIR:
		return e->opaque ? 'o' : 'd';
	case S_IFREG:
		return 'f';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	default:
		return '?';
	}
}

void digest_block(struct digest *d, uint64_t at, const char *room, size_t len)
{
	d->bytes += len;
	add_room(d, TO_CONTENT, at, room, len);
}

void digest_add(struct digest *d, const struct walk_entry *e)
{
	const char type[] = { letter(e), '\0' };

	add_text(d, type);
	add_text(d, e->path);
	if (e->whiteout)
		return;
	if (e->same) {
		add_text(d, e->same);
		return;
	}
	if (e->target)
		add_text(d, e->target);
	else
		add_u64(d, TO_BOTH, e->st.st_mode & WALK_MODE);
	add_u64(d, TO_FULL, e->st.st_uid);
	add_u64(d, TO_FULL, e->st.st_gid);
	add_u64(d, TO_BOTH, (uint64_t)e->n_xattrs);
	for (int i = 0; i < e->n_xattrs; i++) {
		add_text(d, e->xattrs[i].name);
		add_u64(d, TO_BOTH, e->xattrs[i].len);
		add(d, TO_BOTH, e->xattrs[i].value, e->xattrs[i].len);
	}
	if (!S_ISREG(e->st.st_mode))
		return;
	add_u64(d, TO_BOTH, (uint64_t)e->st.st_size);
	if (e->st.st_size)
		add(d, END_CONTENT, "", 0);
}

void digest_release(struct digest *d)
{
	queue_end(d->queue);
	d->queue = NULL;
}

void digest_end(struct digest *d, char ret[DIGEST_TEXT])
{
	digest_release(d);
	hash_end(&d->full, ret);
	hash_end(&d->plain, ret + HALF);
}

static int add_entry(void *arg, const struct walk_entry *e, struct error *err)
{
	struct digest *d = arg;
	uint64_t at = 0;
	char *room;
	ssize_t n;

	while ((n = walk_read(e, &at, room = digest_room(d), err)) > 0) {
		digest_block(d, at, room, (size_t)n);
		at += (uint64_t)n;
	}
	if (!n)
		digest_add(d, e);
	return (int)n;
}

int digest_layer(int dir, const struct walk_owners *owners, char ret[DIGEST_TEXT],
		 struct error *err)
{
	cleanup_digest struct digest d = { .queue = NULL };

	digest_begin(&d);
	if (walk_layer(dir, owners, add_entry, &d, err) < 0)
		return -1;
	digest_end(&d, ret);
	return 0;
}

void digest_chain(const char *below, const char *digest, char ret[HASH_TEXT])
{
	char first[HASH_TEXT];
	struct hash h;

	(void)snprintf(first, sizeof(first), "%s", digest);
	hash_begin(&h);
	hash_add_text(&h, "faas snapshot 1");
	hash_add_text(&h, below);
	hash_add_text(&h, first);
	hash_end(&h, ret);
}

bool digest_same(const char *a, const char *b, bool owners)
{
	if (strlen(a) != DIGEST_TEXT - 1 || strlen(b) != DIGEST_TEXT - 1)
		return false;
	return owners ? !strncmp(a, b, HALF) : !strcmp(a + HALF, b + HALF);
}
