#include "lib/spawner/drain.h"

#include <unistd.h>

#include "lib/base/logfile.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct output begin(const struct tempdir *dir, int fds[3])
{
	struct output out = NO_OUTPUT;
	struct msg_status st = { 0 };

	out.log.dir = dup(dir->fd);
	out.log.cap = 4096;
	check(!drain_pipes(&out, fds, &st));
	return out;
}

/* The text of one stream in the log. */
static const char *logged(struct tempdir *dir, int stream)
{
	static char text[4096];
	size_t len, n = 0;
	char *data = get_file(dir, "new", &len);

	for (size_t at = 0; data && at < len;) {
		struct log_record rec;

		memcpy(&rec, data + at, sizeof(rec));
		at += sizeof(rec);
		if (rec.stream == stream) {
			memcpy(text + n, data + at, rec.len);
			n += rec.len;
		}
		at += rec.len;
	}
	text[n] = '\0';
	free(data);
	return text;
}

TEST(until_the_end)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int fds[3];
	struct output out = begin(dir, fds);

	check(write(fds[1], "out", 3) == 3 && write(fds[2], "err", 3) == 3);
	check(write(fds[1], " more", 5) == 5);
	(void)close(fds[1]);
	(void)close(fds[2]);
	drain_all(&out);
	check(out.pipes[1] < 0 && out.pipes[2] < 0);
	check_str(logged(dir, 1), "out more");
	check_str(logged(dir, 2), "err");
	drain_close(&out);
	check(out.log.dir < 0 && out.log.file < 0);
}

TEST(what_is_there_while_others_write)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int fds[3];
	struct output out = begin(dir, fds);

	drain_rest(&out);
	check(!out.log.total);
	check(write(fds[2], "err", 3) == 3);
	drain_rest(&out);
	check_str(logged(dir, 2), "err");
	check(out.pipes[1] >= 0 && out.pipes[2] >= 0);
	(void)close(fds[2]);
	drain_rest(&out);
	check(out.pipes[1] >= 0 && out.pipes[2] < 0);
	drain_close(&out);
	check(out.pipes[1] < 0);
	(void)close(fds[1]);
}

TEST(a_terminal_that_hangs_up)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct output out = NO_OUTPUT;
	int pair[2];

	/* the master's end: reads what the program wrote, then its end */
	check(!pipe(pair));
	out.pty = pair[0];
	out.log_pty = true;
	out.log.dir = dup(dir->fd);
	out.log.cap = 4096;
	check(write(pair[1], "shown", 5) == 5);
	drain_all(&out);
	check(out.log_pty);
	(void)close(pair[1]);
	drain_all(&out);
	check(!out.log_pty);
	check_str(logged(dir, 1), "shown");
	drain_close(&out);
}

TEST_MAIN;
