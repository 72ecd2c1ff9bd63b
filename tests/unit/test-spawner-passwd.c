#include "lib/spawner/spawner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static const char passwd[] =
	"root:x:0:0:root:/root:/bin/sh\n"
	"# a comment\n"
	"broken\n"
	"half:x:7\n"
	"minus:x:-1:0::/m:\n"
	"huge:x:4294967296:0::/h:\n"
	"wrap:x:65536:0::/w:\n"
	"text:x:1x:0::/t:\n"
	"app:x:1000:1000:App,,,:/home/app:/bin/bash\n"
	"other:x:1001:1000::/home/other:/bin/bash\n"
	"app:x:1002:1002::/home/second:/bin/bash\n"
	"last:x:65534:65534::/l";

static const char group[] =
	"root:x:0:\n"
	"broken\n"
	"app:x:1000:\n"
	"audio:x:29:x,app\n"
	"video:x:44:app,other\n"
	"apple:x:45:apple,ap,appp\n"
	"bad:x:70000:app\n";

static struct msg_status st;

static struct tempdir *root_with(const char *users, const char *groups)
{
	struct tempdir *dir = tempdir_new();

	spawner.uid_count = 65536;
	check(!mkdirat(dir->fd, "etc", 0755));
	put_file(dir, "etc/passwd", users, strlen(users));
	put_file(dir, "etc/group", groups, strlen(groups));
	return dir;
}

static void remove_root(struct tempdir *dir)
{
	struct error err;

	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

/* "uid:gid name home +group..." or "-code" */
static const char *find(const struct tempdir *dir, const char *spec)
{
	static char text[512];
	struct account a = { .uid = 4242 };
	int n;

	st = (struct msg_status){ 0 };
	if (account_find(dir->path, spec, &a, &st) < 0) {
		check(a.uid == 4242 && st.errnum && st.text[0]);
		(void)snprintf(text, sizeof(text), "-%s",
			       err_name((enum err_code)st.code));
		return text;
	}
	n = snprintf(text, sizeof(text), "%u:%u %s %s", a.uid, a.gid, a.name, a.home);
	for (int i = 0; i < a.n_groups; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " +%u", a.groups[i]);
	return text;
}

TEST(by_name_and_by_number)
{
	struct tempdir *dir = root_with(passwd, group);

	check_str(find(dir, ""), "0:0 root /root");
	check_str(find(dir, "root"), "0:0 root /root");
	check_str(find(dir, "0"), "0:0 root /root");
	check_str(find(dir, "app"), "1000:1000 app /home/app +29 +44");
	check_str(find(dir, "1000"), "1000:1000 app /home/app +29 +44");
	check_str(find(dir, "other"), "1001:1000 other /home/other +44");
	check_str(find(dir, "last"), "65534:65534 last /l");
	/* an id needs no line */
	check_str(find(dir, "1234"), "1234:1234 user /");
	check_str(find(dir, "00001"), "1:1 user /");
	remove_root(dir);
}

TEST(with_a_group)
{
	struct tempdir *dir = root_with(passwd, group);

	/* who names a group has that one only */
	check_str(find(dir, "app:audio"), "1000:29 app /home/app");
	check_str(find(dir, "app:0"), "1000:0 app /home/app");
	check_str(find(dir, "5:6"), "5:6 user /");
	check_str(find(dir, "root:65534"), "0:65534 root /root");
	check_str(find(dir, "app:"), "-cannot-run");
	check_str(find(dir, "app:nobody"), "-cannot-run");
	check(strstr(st.text, "'nobody'"));
	check_str(find(dir, "app:bad"), "-cannot-run");
	check_str(find(dir, "app:65535"), "-cannot-run");
	check_str(find(dir, "app:1:2"), "-cannot-run");
	remove_root(dir);
}

TEST(what_is_no_user)
{
	static const char *const bad[] = {
	    "ap",	  "appp",  "App",    "half",  "minus",	     "huge",
	    "wrap",	  "text",  "broken", "-1",    "65535",	     "65536",
	    "4294967296", "99999", " 0",     "0 ",    "+0",	     "0x0",
	    "1e3",	  ":0",	   ":",	     "a:b:c", "# a comment", "\n",
	};
	struct tempdir *dir = root_with(passwd, group);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_str(find(dir, bad[i]), "-cannot-run");
	check_str(find(dir, "nobody-here"), "-cannot-run");
	check(strstr(st.text, "'nobody-here'"));
	remove_root(dir);
}

TEST(no_files)
{
	struct tempdir *dir = tempdir_new();

	check_str(find(dir, ""), "0:0 root /root");
	check_str(find(dir, "7"), "7:7 user /");
	check_str(find(dir, "root"), "-cannot-run");
	check_str(find(dir, "7:root"), "-cannot-run");
	/* hostile ones: a folder, and a pipe that nobody writes to */
	check(!mkdirat(dir->fd, "etc", 0755) && !mkdirat(dir->fd, "etc/passwd", 0755));
	check(!mkfifoat(dir->fd, "etc/group", 0644));
	check_str(find(dir, "7"), "7:7 user /");
	check_str(find(dir, "root"), "-cannot-run");
	remove_root(dir);
}

TEST(long_lines_and_large_files)
{
	size_t size = 400 * 1024;
	char *text = malloc(size + 1);
	struct tempdir *dir;

	memset(text, 'x', size);
	memcpy(text, passwd, sizeof(passwd) - 1);
	text[sizeof(passwd) - 1] = '\n';
	memcpy(text + size - 32, "\nlate:x:5:5::/late:\n", 20);
	text[size] = '\0';
	dir = root_with(text, "");
	check_str(find(dir, "last"), "65534:65534 last /l");
	/* past what is read of a file */
	check_str(find(dir, "late"), "-cannot-run");
	free(text);
	remove_root(dir);
}

TEST(more_groups_than_are_kept)
{
	char groups[4096];
	struct account a;
	struct tempdir *dir;
	size_t n = 0;

	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(groups + n, sizeof(groups) - n, "g%d:x:%d:app\n", i,
				      100 + i);
	dir = root_with(passwd, groups);
	check(!account_find(dir->path, "app", &a, &st));
	check(a.n_groups == ARRAY_SIZE(a.groups) && a.groups[31] == 131);
	remove_root(dir);
}

TEST(without_root_there_is_one_user)
{
	struct tempdir *dir = root_with(passwd, group);

	spawner.uid_count = 1;
	check_str(find(dir, ""), "0:0 root /root");
	check_str(find(dir, "root"), "0:0 root /root");
	check_str(find(dir, "app"), "-unsupported");
	check_str(find(dir, "0:1"), "-unsupported");
	remove_root(dir);
}

TEST(a_sandbox_with_few_users_has_no_others)
{
	struct tempdir *dir = root_with(passwd, "many:x:2000:app\nfew:x:10:app\n");

	spawner.uid_count = 1001;
	check_str(find(dir, "1000:1000"), "1000:1000 app /home/app");
	/* a group that it has not is not one to be in */
	check_str(find(dir, "app"), "1000:1000 app /home/app +10");
	check_str(find(dir, "1001"), "-unsupported");
	check_str(find(dir, "0:1001"), "-unsupported");
	remove_root(dir);
}

TEST_MAIN;
