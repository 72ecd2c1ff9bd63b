#include "lib/base/error.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

TEST(sys_appends_strerror)
{
	struct error err;

	check(err_sys(&err, ENOENT, "open '%s'", "x") == -1);
	check(err.code == ERR_NOT_FOUND);
	check(err.errnum == ENOENT);
	check_str(err.msg, "open 'x': No such file or directory");
}

TEST(wrap_puts_context_first)
{
	struct error err;

	(void)err_set(&err, ERR_BUSY, "dump is running");
	check(err_wrap(&err, "snapshot '%s'", "base") == -1);
	check_str(err.msg, "snapshot 'base': dump is running");
	check(err.code == ERR_BUSY);
}

TEST(long_messages_are_cut_not_overrun)
{
	char big[2000];
	struct error err;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_sys(&err, EIO, "%s", big);
	(void)err_wrap(&err, "%s", big);
	check(strlen(err.msg) == sizeof(err.msg) - 1);
}

TEST(every_code_has_its_own_name_and_a_status)
{
	for (enum err_code a = ERR_NONE + 1; a < ERR__MAX; a++) {
		check(err_by_name(err_name(a)) == a);
		check(err_exit(a) > 0 && err_exit(a) < 128);
		check(err_http(a) >= 400 && err_http(a) < 600);
	}
	check(err_by_name("no such name") == ERR_BUG);
}

TEST(a_full_disk_and_too_few_descriptors_come_with_a_hint)
{
	struct error err;

	check(err_sys(&err, ENOSPC, "write") == -1 && strstr(err.hint, "make room"));
	check(err_sys(&err, EDQUOT, "write") == -1 && strstr(err.hint, "quota"));
	check(err_sys(&err, EMFILE, "open") == -1 && strstr(err.hint, "ulimit -n"));
	check(err_sys(&err, ENFILE, "open") == -1 && strstr(err.hint, "fs.file-max"));
	check(err_sys(&err, ENOENT, "open") == -1 && !err.hint[0]);
}

TEST(the_hint_nearest_the_failure_wins)
{
	struct error err;

	(void)err_set(&err, ERR_NOT_FOUND, "no environment 'x'");
	check_str(err.hint, "");
	check(err_hint(&err, "see 'faas env %s'", "list") == -1);
	(void)err_hint(&err, "another");
	check_str(err.hint, "see 'faas env list'");
}

TEST_MAIN;
