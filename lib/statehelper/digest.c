#include "lib/statehelper/digest.h"

#include <stdio.h>
#include <string.h>

#include "lib/statehelper/verb.h"

enum { HALF = HASH_TEXT - 1 };

void digest_begin(struct digest *d)
{
	*d = (struct digest){ .entries = 0 };
	hash_begin(&d->full);
	hash_begin(&d->plain);
	hash_add_text(&d->full, "faas layer 1");
	hash_add_text(&d->plain, "faas layer 1 without owners");
}

void digest_block(struct hash *content, uint64_t at, const void *data, size_t len)
{
	hash_add_u64(content, at);
	hash_add(content, data, len);
}

static int add_block(void *arg, uint64_t at, const void *data, size_t len, struct error *err)
{
	(void)err;
	digest_block(arg, at, data, len);
	return 0;
}

static void add_both(struct digest *d, const void *data, size_t len)
{
	hash_add(&d->full, data, len);
	hash_add(&d->plain, data, len);
}

static void add_text(struct digest *d, const char *text)
{
	hash_add_text(&d->full, text);
	hash_add_text(&d->plain, text);
}

static void add_u64(struct digest *d, uint64_t n)
{
	hash_add_u64(&d->full, n);
	hash_add_u64(&d->plain, n);
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

static int add_content(struct digest *d, const struct walk_entry *e, struct hash *content,
		       struct error *err)
{
	unsigned char raw[HASH_BYTES];
	struct hash own;

	add_u64(d, (uint64_t)e->st.st_size);
	d->bytes += (uint64_t)e->st.st_size;
	if (!e->st.st_size)
		return 0;
	if (!content) {
		content = &own;
		hash_begin(content);
		if (walk_content(e, add_block, content, err) < 0)
			return -1;
	}
	hash_raw(content, raw);
	add_both(d, raw, sizeof(raw));
	return 0;
}

int digest_add(struct digest *d, const struct walk_entry *e, struct hash *content,
	       struct error *err)
{
	const char type[] = { letter(e), '\0' };

	d->entries++;
	add_text(d, type);
	add_text(d, e->path);
	if (e->whiteout)
		return 0;
	if (e->same) {
		add_text(d, e->same);
		return 0;
	}
	if (e->target)
		add_text(d, e->target);
	else
		add_u64(d, e->st.st_mode & WALK_MODE);
	hash_add_u64(&d->full, e->st.st_uid);
	hash_add_u64(&d->full, e->st.st_gid);
	add_u64(d, (uint64_t)e->n_xattrs);
	for (int i = 0; i < e->n_xattrs; i++) {
		add_text(d, e->xattrs[i].name);
		add_u64(d, e->xattrs[i].len);
		add_both(d, e->xattrs[i].value, e->xattrs[i].len);
	}
	return S_ISREG(e->st.st_mode) ? add_content(d, e, content, err) : 0;
}

void digest_end(struct digest *d, char ret[DIGEST_TEXT])
{
	hash_end(&d->full, ret);
	hash_end(&d->plain, ret + HALF);
}

static int add_entry(void *arg, const struct walk_entry *e, struct error *err)
{
	return digest_add(arg, e, NULL, err);
}

int digest_layer(int dir, const struct walk_owners *owners, char ret[DIGEST_TEXT],
		 struct error *err)
{
	struct digest d;

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
