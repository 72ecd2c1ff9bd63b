#include <stddef.h>

#include "lib/executor/executor.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct error err;
/* What a replay called back: "+id" for a begin, "-id=code" for an end. */
static char seen[4096];

static void saw_begin(struct executor *x, json_t *j)
{
	const char *id = json_string_value(json_object_get(j, "id"));

	(void)x;
	(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "+%s ",
		       id ? id : "?");
}

static void saw_end(struct executor *x, const struct msg_ended *e)
{
	(void)x;
	(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "-%s=%d ", e->id,
		       e->exit_code);
}

static const char *replay(struct executor *x)
{
	seen[0] = '\0';
	check(!journal_replay(x, saw_begin, saw_end, &err));
	return seen;
}

static struct executor executor_of(const struct tempdir *dir)
{
	struct executor x = { .run_dir = dir->fd };

	(void)snprintf(x.state_path, sizeof(x.state_path), "%s", dir->path);
	return x;
}

static void begin(struct executor *x, const char *id)
{
	struct execution e = { .exit_code = -1, .argv = (char *)"[\"a\"]" };

	(void)snprintf(e.id, sizeof(e.id), "%s", id);
	(void)snprintf(e.state, sizeof(e.state), "queued");
	check(!journal_begin(x, &e, &err));
}

/* As a monitor appends it. */
static void put_end(int fd, const char *id, int code)
{
	struct {
		struct journal_header h;
		struct msg_ended m;
	} rec = { .m = { .exit_code = code } };

	memset(rec.m.text, 'x', sizeof(rec.m.text));
	(void)snprintf(rec.m.id, sizeof(rec.m.id), "%s", id);
	rec.h = (struct journal_header){ JOURNAL_MAGIC, JOURNAL_END, sizeof(rec.m),
					 journal_check(&rec.m, sizeof(rec.m)) };
	check(write(fd, &rec, sizeof(rec.h) + sizeof(rec.m)) ==
	      (ssize_t)(sizeof(rec.h) + sizeof(rec.m)));
}

TEST(what_is_appended_is_replayed)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);
	struct execution failed = {.error_code = (char *)"limit",
				   .error_message = (char *)"m"};

	check_str(replay(&x), "");
	check(!journal_open(&x, &err));
	check_str(replay(&x), "");
	begin(&x, "aaaa");
	begin(&x, "bbbb");
	put_end(x.journal->fd, "aaaa", 7);
	(void)snprintf(failed.id, sizeof(failed.id), "bbbb");
	journal_failed(&x, &failed);
	check_str(replay(&x), "+aaaa +bbbb -aaaa=7 -bbbb=-1 ");
	check(x.journal->size > 0);
	journal_close(&x);
	check(!x.journal && !x.journals);
	check_str(replay(&x), "+aaaa +bbbb -aaaa=7 -bbbb=-1 ");
}

TEST(each_start_has_a_journal_of_its_own)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);

	/* in the order of their numbers, not of the folder */
	for (int i = 0; i < 12; i++) {
		char id[16];

		check(!journal_open(&x, &err) &&
		      x.journal->number == (unsigned int)i + 1);
		(void)snprintf(id, sizeof(id), "id-%02d", i);
		begin(&x, id);
		journal_close(&x);
	}
	put_file(dir, "journal.x", "?", 1);
	put_file(dir, "other", "?", 1);
	check(strstr(replay(&x), "+id-00 +id-01 +id-02") == seen);
	check(strstr(seen, "+id-09 +id-10 +id-11 "));
}

/* Any cut leaves all that is before it, and nothing of what is cut. */
TEST(a_torn_end)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);
	cleanup_free char *data = NULL;
	size_t len, first;

	check(!journal_open(&x, &err));
	begin(&x, "aaaa");
	first = x.journal->size;
	begin(&x, "bbbb");
	journal_close(&x);
	data = get_file(dir, "journal.00000001", &len);
	for (size_t cut = 0; cut <= len; cut++) {
		put_file(dir, "journal.00000001", data, cut);
		check_str(replay(&x), cut < first ? ""
				      : cut < len ? "+aaaa "
						  : "+aaaa +bbbb ");
	}
}

/* A disk that was full tears a record, and has room again for the next. */
TEST(what_follows_a_torn_record_counts)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);
	cleanup_free char *data = NULL;
	cleanup_free char *torn = NULL;
	size_t len;

	check(!journal_open(&x, &err));
	begin(&x, "aaaa");
	data = get_file(dir, "journal.00000001", &len);
	torn = malloc(3 * len);
	for (size_t cut = 0; cut < len; cut++) {
		memcpy(torn, data, len);
		memcpy(torn + len, data, cut);
		memcpy(torn + len + cut, data, len);
		put_file(dir, "journal.00000001", torn, 2 * len + cut);
		check_str(replay(&x), "+aaaa +aaaa ");
	}
	journal_close(&x);
}

TEST(a_wrong_byte_costs_its_record_only)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);
	cleanup_free char *data = NULL;
	size_t len, first;

	check(!journal_open(&x, &err));
	begin(&x, "aaaa");
	first = x.journal->size;
	begin(&x, "bbbb");
	put_end(x.journal->fd, "aaaa", 3);
	journal_close(&x);
	data = get_file(dir, "journal.00000001", &len);
	for (size_t i = 0; i < first; i++) {
		if (i / 4 == 1)
			continue;	/* the type: its record is of no known one */
		data[i] ^= 0x20;
		put_file(dir, "journal.00000001", data, len);
		check_str(replay(&x), "+bbbb -aaaa=3 ");
		data[i] ^= 0x20;
	}
}

TEST(odd_records)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);
	static const struct {
		uint32_t type, len;
		const char *data;
	} rows[] = {
	    {JOURNAL_BEGIN, 0, ""},   {JOURNAL_BEGIN, 3, "{\"x"},
	    {JOURNAL_END, 4, "aaaa"}, {99, 4, "aaaa"},
	    {JOURNAL_BEGIN, 2, "[]"}, {JOURNAL_BEGIN, 4, "\0\0\0\0"},
	};

	check(!journal_open(&x, &err));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct journal_header h = { JOURNAL_MAGIC, rows[i].type, rows[i].len,
					    journal_check(rows[i].data, rows[i].len) };

		check(write(x.journal->fd, &h, sizeof(h)) == sizeof(h));
		check(write(x.journal->fd, rows[i].data, rows[i].len) ==
		      (ssize_t)rows[i].len);
	}
	/* an id and a text that fill their fields to the last byte */
	put_end(x.journal->fd, "0123456789012345678901234567890123456789", 1);
	check_str(replay(&x), "+? -012345678901234567890123456789012345678=1 ");
	journal_close(&x);
}

TEST(a_full_one_is_followed_and_dropped)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);
	struct journal *old;

	check(!journal_open(&x, &err));
	old = x.journal;
	journal_tidy(&x);
	check(x.journal == old);
	old->size = 5 << 20;
	old->users = 1;
	journal_tidy(&x);
	check(x.journal != old && x.journal->number == 2);
	/* somebody may still write to it */
	check(!faccessat(dir->fd, "journal.00000001", F_OK, 0));
	begin(&x, "bbbb");
	old->users = 0;
	journal_tidy(&x);
	check(faccessat(dir->fd, "journal.00000001", F_OK, 0) < 0);
	check_str(replay(&x), "+bbbb ");
	journal_close(&x);
}

TEST(a_failure_says_which_file)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct executor x = executor_of(dir);

	check(!mkdirat(dir->fd, "journal.00000003", 0700));
	check(journal_replay(&x, saw_begin, saw_end, &err) < 0);
	check(strstr(err.msg, dir->path) && strstr(err.msg, "journal.00000003"));
	x.run_dir = -1;
	check(journal_open(&x, &err) < 0 && strstr(err.msg, dir->path));
}

TEST_MAIN;
