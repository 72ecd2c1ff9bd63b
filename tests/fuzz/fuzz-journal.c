/*
 * Any bytes as a journal: reading it ends, texts of a record are ended, and a
 * record that is appended to it is found, whatever is in front of it.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/executor/executor.h"

static char dir[] = "/tmp/faas-fuzz-journal-XXXXXX";
static bool found;

static void clean_up(void)
{
	(void)rmdir(dir);
}

static void saw_begin(struct executor *x, json_t *j)
{
	(void)x;
	if (!j)
		abort();
}

static void saw_end(struct executor *x, const struct msg_ended *e)
{
	(void)x;
	if (strnlen(e->id, sizeof(e->id)) == sizeof(e->id) ||
	    strnlen(e->text, sizeof(e->text)) == sizeof(e->text))
		abort();
	found |= !strcmp(e->id, "the-last-one") && e->exit_code == 4242;
}

/* Could these bytes hold what looks like the beginning of a record? */
static bool begins(const uint8_t *data, size_t size)
{
	static const uint32_t magic = JOURNAL_MAGIC;
	struct journal_header h;

	for (const uint8_t *p = data;
	     (p = memmem(p, size - (size_t)(p - data), &magic, 4)); p++) {
		size_t left = size - (size_t)(p - data);

		if (left < sizeof(h))
			return true;
		memcpy(&h, p, sizeof(h));
		if (h.len > left - sizeof(h) && h.len < left + 4096)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct {
		struct journal_header h;
		struct msg_ended m;
	} rec = { .m = { .id = "the-last-one", .exit_code = 4242 } };
	struct executor x = { 0 };
	struct error err = { 0 };
	int file;

	if (fd < 0) {
		if (!mkdtemp(dir))
			abort();
		(void)atexit(clean_up);
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	x.run_dir = fd;
	rec.h = (struct journal_header){ JOURNAL_MAGIC, JOURNAL_END, sizeof(rec.m),
					 journal_check(&rec.m, sizeof(rec.m)) };
	file = openat(fd, "journal.00000001", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		      0600);
	if (file < 0 || write(file, data, size) != (ssize_t)size ||
	    write(file, &rec, sizeof(rec.h) + sizeof(rec.m)) < 0)
		abort();
	close(file);
	found = false;
	if (journal_replay(&x, saw_begin, saw_end, &err) < 0)
		abort();
	/* a header whose record swallows ours has to have ours in its checksum */
	if (!found && !begins(data, size))
		abort();
	(void)unlinkat(fd, "journal.00000001", 0);
	return 0;
}
