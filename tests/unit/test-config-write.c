#include "lib/config/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

static void slurp(const char *path, char buf[200])
{
	FILE *f = fopen(path, "r");
	size_t n;

	check(f);
	n = fread(buf, 1, 199, f);
	buf[n] = '\0';
	fclose(f);
}

TEST(writes_are_whole_and_locked)
{
	char dir[] = "/tmp/faas-test-write-XXXXXX", text[200];
	struct error err = { 0 };
	struct stat st;
	FILE *lock;

	check(mkdtemp(dir) && chdir(dir) == 0);
	check(setenv("XDG_CONFIG_HOME", dir, 1) == 0);
	check(config_write(CONFIG_USER, "env", "a", &err) == 0);
	check(stat("faas/config", &st) == 0 && (st.st_mode & 0777) == 0600);
	check(config_write(CONFIG_USER, "mode", "cached", &err) == 0);
	check(config_write(CONFIG_USER, "env", NULL, &err) == 0);
	slurp("faas/config", text);
	check_str(text, "mode = cached\n");
	check(config_write(CONFIG_USER, "env", NULL, &err) < 0);
	check(err.code == ERR_NOT_FOUND);

	lock = fopen("faas/config.lock", "w");
	check(lock && fclose(lock) == 0);
	check(config_write(CONFIG_USER, "env", "b", &err) < 0);
	check(err.code == ERR_BUSY);
	check(unlink("faas/config.lock") == 0);
	check(unlink("faas/config") == 0 && rmdir("faas") == 0);
	check(rmdir(dir) == 0);
}

TEST_MAIN;
