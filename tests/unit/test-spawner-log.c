#include "lib/spawner/spawner.h"

#include "lib/base/logfile.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

/* The records of a file: their bytes, joined; the sequence must have no gap. */
static const char *records(struct tempdir *dir, const char *name, uint64_t *seq)
{
	static char text[4096];
	size_t len, n = 0;
	char *data = get_file(dir, name, &len);

	text[0] = '\0';
	for (size_t at = 0; data && at < len;) {
		struct log_record rec;

		memcpy(&rec, data + at, sizeof(rec));
		check(rec.magic == LOG_MAGIC && rec.seq == (*seq)++ && rec.time_ms);
		check(rec.stream == 1 || rec.stream == 2);
		at += sizeof(rec);
		check(at + rec.len <= len && n + rec.len < sizeof(text));
		memcpy(text + n, data + at, rec.len);
		n += rec.len;
		at += rec.len;
	}
	text[n] = '\0';
	free(data);
	return text;
}

TEST(records_in_order)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct log log = { .dir = dir->fd, .file = -1, .cap = 1000 };
	uint64_t seq = 0;

	log_write(&log, 1, "out ", 4);
	log_write(&log, 2, "err", 3);
	log_write(&log, 1, "", 0);
	check(log.total == 7 && log.seq == 3 && !log.cut);
	check_str(records(dir, "new", &seq), "out err");
	check(seq == 3);
	close(log.file);
}

TEST(the_newest_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct log log = { .dir = dir->fd, .file = -1, .cap = 40 };
	char want[64] = "";
	uint64_t seq;

	for (int i = 0; i < 10; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "line %d   \n", i);
		log_write(&log, 1, text, 10);
		if (i == 3)
			check(!log.cut);
	}
	check(log.cut && log.total == 100);
	seq = 6;
	(void)snprintf(want, sizeof(want), "line 6   \nline 7   \n");
	check(!strncmp(records(dir, "old", &seq), want, 20));
	(void)snprintf(want, sizeof(want), "line 8   \nline 9   \n");
	check(!strncmp(records(dir, "new", &seq), want, 20));
	check(seq == 10);
	close(log.file);
}

TEST(no_log_counts_only)
{
	struct log log = { .dir = -1, .file = -1, .cap = 40 };

	log_write(&log, 1, "0123456789", 10);
	log_write(&log, 2, "0123456789", 10);
	check(log.total == 20 && !log.cut && log.file == -1);
}

TEST(a_cap_of_nothing)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct log log = { .dir = dir->fd, .file = -1, .cap = 0 };
	uint64_t seq = 2;

	for (int i = 0; i < 3; i++)
		log_write(&log, 1, "abc", 3);
	check(log.cut && log.total == 9);
	check_str(records(dir, "new", &seq), "abc");
	close(log.file);
}

TEST(a_disk_that_gives_nothing)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct log log = { .dir = dir->fd, .file = -1, .cap = 40 };

	check(!mkdirat(dir->fd, "new", 0700));
	log_write(&log, 1, "abc", 3);
	check(log.cut && log.file == -1 && log.total == 3);
	/* the log's, but one that takes nothing */
	log.cut = false;
	log.file = open("/dev/full", O_WRONLY | O_CLOEXEC);
	check(log.file >= 0);
	log_write(&log, 1, "abc", 3);
	check(log.cut);
	close(log.file);
}

TEST_MAIN;
