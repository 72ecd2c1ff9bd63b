#include "lib/chain/output.h"

#include <stdint.h>
#include <string.h>

enum { HEAD = 5 };

static void put_size(char *to, size_t size)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(size >> 8 * i & 0xff);
}

static size_t get_size(const char *from)
{
	size_t size = 0;

	for (int i = 0; i < 4; i++)
		size |= (size_t)(unsigned char)from[i] << 8 * i;
	return size;
}

void output_add(struct output *o, int stream, const void *data, size_t size)
{
	struct strbuf *b = &o->bytes;
	char head[HEAD] = { (char)stream };
	bool same = b->len && b->buf[o->last] == stream;

	if (o->truncated || !size)
		return;
	/* all of it or nothing, so that what is kept is whole pieces */
	if (size > OUTPUT_MAX - HEAD || !strbuf_grow(b, size + HEAD)) {
		b->failed = false;
		o->truncated = true;
		return;
	}
	if (same) {
		put_size(b->buf + o->last + 1, get_size(b->buf + o->last + 1) + size);
	} else {
		o->last = b->len;
		put_size(head + 1, size);
		strbuf_add(b, head, sizeof(head));
	}
	strbuf_add(b, data, size);
}

int output_next(const char *bytes, size_t size, size_t *at, int *ret_stream,
		const char **ret_data, size_t *ret_size, struct error *err)
{
	size_t len;

	if (*at == size)
		return 0;
	if (size - *at < HEAD || (bytes[*at] != 1 && bytes[*at] != 2))
		return err_set(err, ERR_CORRUPT, "the output that was kept is damaged");
	len = get_size(bytes + *at + 1);
	if (len > size - *at - HEAD)
		return err_set(err, ERR_CORRUPT, "the output that was kept is damaged");
	*ret_stream = (unsigned char)bytes[*at];
	*ret_data = bytes + *at + HEAD;
	*ret_size = len;
	*at += HEAD + len;
	return 1;
}
