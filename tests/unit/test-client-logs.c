#include "lib/client/logs.h"

#include "lib/base/logfile.h"
#include "tests/unit/tempdir.h"

/* Records are made here as the monitor makes them; see lib/spawner/log.c. */

static void append(struct tempdir *dir, const char *file, const void *data, size_t len)
{
	int fd = openat(dir->fd, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* cut: how many bytes of it did not reach the disk */
static void record(struct tempdir *dir, const char *file, uint64_t seq, int stream,
		   const char *text, size_t cut)
{
	struct log_record rec = {
		.magic = LOG_MAGIC, .stream = (uint16_t)stream,
		.len = (uint32_t)strlen(text), .seq = seq, .time_ms = 1000 + seq,
	};
	char buf[512];

	memcpy(buf, &rec, sizeof(rec));
	memcpy(buf + sizeof(rec), text, rec.len);
	append(dir, file, buf, sizeof(rec) + rec.len - cut);
}

/* The next record must be this. */
static void expect(struct logs *l, uint64_t seq, unsigned int stream, const char *text,
		   uint64_t missed)
{
	struct logs_entry e;
	struct error err;

	check(logs_next(l, &e, &err) == 1);
	check(e.seq == seq);
	check(e.stream == stream);
	check(e.time_ms == 1000 + seq);
	check(e.len == strlen(text));
	check(!memcmp(e.data, text, e.len));
	check(e.missed == missed);
}

static void expect_nothing(struct logs *l)
{
	struct logs_entry e;
	struct error err;

	check(logs_next(l, &e, &err) == 0);
}

static struct logs *open_logs(struct tempdir *dir, uint64_t from)
{
	struct logs *l;
	struct error err;

	check(logs_open(dir->fd, from, &l, &err) == 0);
	return l;
}

TEST(both_files_in_order)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	record(dir, "old", 0, 1, "zero", 0);
	record(dir, "old", 1, 2, "one", 0);
	record(dir, "new", 2, 1, "two", 0);
	l = open_logs(dir, 0);
	expect(l, 0, 1, "zero", 0);
	expect(l, 1, 2, "one", 0);
	expect(l, 2, 1, "two", 0);
	expect_nothing(l);
}

TEST(empty_folder_then_output)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = open_logs(dir, 0);

	expect_nothing(l);
	record(dir, "new", 0, 1, "a", 0);
	expect(l, 0, 1, "a", 0);
	expect_nothing(l);
	record(dir, "new", 1, 1, "b", 0);
	expect(l, 1, 1, "b", 0);
	logs_ended(l);
	expect_nothing(l);
}

TEST(from_a_number)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	for (uint64_t i = 0; i < 5; i++)
		record(dir, "new", i, 1, "x", 0);
	l = open_logs(dir, 3);
	expect(l, 3, 1, "x", 0);
	expect(l, 4, 1, "x", 0);
	expect_nothing(l);
}

TEST(rotation_while_following)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	record(dir, "new", 0, 1, "a", 0);
	l = open_logs(dir, 0);
	expect(l, 0, 1, "a", 0);
	expect_nothing(l);
	/* what is written between our last look and the renaming counts */
	record(dir, "new", 1, 1, "b", 0);
	check(!renameat(dir->fd, "new", dir->fd, "old"));
	record(dir, "new", 2, 2, "c", 0);
	expect(l, 1, 1, "b", 0);
	expect(l, 2, 2, "c", 0);
	expect_nothing(l);
}

TEST(two_rotations_at_once_lose_nothing_that_is_there)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	record(dir, "new", 0, 1, "a", 0);
	l = open_logs(dir, 0);
	expect(l, 0, 1, "a", 0);
	record(dir, "new", 1, 1, "b", 0);
	check(!renameat(dir->fd, "new", dir->fd, "old"));
	record(dir, "new", 2, 1, "c", 0);
	check(!renameat(dir->fd, "new", dir->fd, "old"));
	record(dir, "new", 3, 1, "d", 0);
	/* the first file is gone from the folder, but we hold it */
	expect(l, 1, 1, "b", 0);
	expect(l, 2, 1, "c", 0);
	expect(l, 3, 1, "d", 0);
	expect_nothing(l);
}

TEST(what_the_cap_dropped_is_counted)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	record(dir, "old", 7, 1, "seven", 0);
	record(dir, "new", 8, 1, "eight", 0);
	l = open_logs(dir, 2);
	expect(l, 7, 1, "seven", 5);
	expect(l, 8, 1, "eight", 0);
}

TEST(torn_record_in_the_middle)
{
	for (size_t cut = 1; cut < 5 + sizeof(struct log_record); cut++) {
		CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
		CLEANUP(logs_free) struct logs *l = NULL;

		record(dir, "new", 0, 1, "zero", 0);
		record(dir, "new", 1, 1, "tatters", cut);
		record(dir, "new", 2, 2, "two", 0);
		record(dir, "new", 3, 1, "three", 0);
		l = open_logs(dir, 0);
		logs_ended(l);
		expect(l, 0, 1, "zero", 0);
		expect(l, 2, 2, "two", 1);
		expect(l, 3, 1, "three", 0);
		expect_nothing(l);
	}
}

TEST(torn_record_at_the_end)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	record(dir, "old", 0, 1, "zero", 3);
	record(dir, "new", 1, 1, "one", 0);
	record(dir, "new", 2, 1, "two", 2);
	l = open_logs(dir, 0);
	expect(l, 1, 1, "one", 1);
	expect_nothing(l);
	logs_ended(l);
	expect_nothing(l);
}

TEST(record_that_comes_in_two_pieces)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = open_logs(dir, 0);

	record(dir, "new", 0, 1, "hello", 3);
	expect_nothing(l);
	append(dir, "new", "llo", 3);
	expect(l, 0, 1, "hello", 0);
}

TEST(output_that_looks_like_a_record)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = NULL;

	record(dir, "new", 0, 1, "fLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfL", 0);
	record(dir, "new", 1, 1, "", 0);
	record(dir, "new", 2, 1, "end", 0);
	l = open_logs(dir, 0);
	expect(l, 0, 1, "fLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfLfL", 0);
	expect(l, 1, 1, "", 0);
	expect(l, 2, 1, "end", 0);
}

TEST(no_log_at_all)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = open_logs(dir, 0);

	logs_ended(l);
	expect_nothing(l);
	append(dir, "new", "", 0);
	expect_nothing(l);
}

TEST(watch_wakes_up)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP(logs_free) struct logs *l = open_logs(dir, 0);
	char buf[4096];

	check(logs_fd(l) >= 0);
	check(read(logs_fd(l), buf, sizeof(buf)) < 0);
	record(dir, "new", 0, 1, "a", 0);
	check(read(logs_fd(l), buf, sizeof(buf)) > 0);
}

TEST(tail_counts_lines_of_both_streams)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	uint64_t seq;
	size_t skip;
	struct error err;

	check(!logs_tail(dir->fd, 0, 3, &seq, &skip, &err));
	check(seq == 0 && skip == 0);
	record(dir, "new", 0, 1, "a\nb\nc", 0);
	record(dir, "new", 1, 2, "error\n", 0);
	record(dir, "new", 2, 1, "c\nd\n", 0);
	/* lines begin: a 0+0, b 0+2, cc 0+4, error 1+0, d 2+2 */
	check(!logs_tail(dir->fd, 0, 1, &seq, &skip, &err));
	check(seq == 2 && skip == 2);
	check(!logs_tail(dir->fd, 0, 2, &seq, &skip, &err));
	check(seq == 1 && skip == 0);
	check(!logs_tail(dir->fd, 1, 2, &seq, &skip, &err));
	check(seq == 0 && skip == 4);
	check(!logs_tail(dir->fd, 0, 100, &seq, &skip, &err));
	check(seq == 0 && skip == 0);
	check(!logs_tail(dir->fd, 0, 0, &seq, &skip, &err));
	check(seq == 3 && skip == 0);
	check(logs_tail(dir->fd, 0, UINT64_MAX, &seq, &skip, &err) < 0);
	check(err.code == ERR_USAGE);
}

TEST_MAIN;
