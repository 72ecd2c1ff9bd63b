#include "lib/config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char dir[] = "/tmp/faas-test-config-XXXXXX";

static void remove_dir(void)
{
	(void)rmdir(dir);
}

/* In a folder of its own, where each file is what a test makes it. */
static void begin(void)
{
	static bool made;

	if (!made && (!mkdtemp(dir) || atexit(remove_dir)))
		abort();
	made = true;
	check(chdir(dir) == 0);
	check(setenv("XDG_CONFIG_HOME", dir, 1) == 0);
	check(setenv("FAAS_SYSTEM_CONFIG", "system", 1) == 0);
	unsetenv("FAAS_ENV");
	unsetenv("FAAS_NO_PROJECT");
	unlink("system");
	unlink("faas/config");
	rmdir("faas");
	unlink(".faas/config");
	rmdir(".faas");
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	check(f && fputs(text, f) >= 0 && fclose(f) == 0);
	check(chmod(path, 0644) == 0);
}

TEST(an_earlier_file_wins)
{
	struct config c = CONFIG_INIT;
	struct error err = { 0 };
	const char *origin;

	begin();
	put("system", "env = a\nmode = cached\n");
	check(config_write(CONFIG_USER, "env", "b", &err) == 0);
	check(config_load(&c, &err) == 0);
	check_str(config_value(&c, "env", &origin), "b");
	check_str(config_value(&c, "mode", &origin), "cached");
	check_str(origin, "system:2");
	check_str(config_value(&c, "network", &origin), "none");
	check_str(origin, "default");
	check(!config_value(&c, "timeout", &origin));
	check(setenv("FAAS_ENV", "v", 1) == 0);
	check_str(config_value(&c, "env", &origin), "v");
	check_str(origin, "FAAS_ENV");
	config_release(&c);
	begin();
}

TEST(what_is_refused)
{
	struct config c = CONFIG_INIT;
	struct error err = { 0 };

	begin();
	put("system", "env = x\n");
	check(chmod("system", 0646) == 0);
	check(config_load(&c, &err) < 0 && err.code == ERR_DENIED);
	config_release(&c);
	unlink("system");
	check(mkdir("system", 0755) == 0);
	check(config_load(&c, &err) < 0 && err.code == ERR_DENIED);
	config_release(&c);
	check(rmdir("system") == 0);

	check(mkdir(".faas", 0755) == 0);
	put(".faas/config", "pager = x\n");
	check(config_load(&c, &err) < 0 && err.code == ERR_DENIED);
	config_release(&c);
	begin();
}

/* As somebody who may not look into the folder; root may look into every one. */
static void load_as_nobody(int want)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct config c = CONFIG_INIT;
		struct error err = { 0 };

		if (!geteuid())
			check(setresuid(65534, 65534, 65534) == 0);
		check(config_load(&c, &err) == want);
		check(!want || err.code == ERR_DENIED);
		config_release(&c);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
}

TEST(what_may_not_be_read_is_no_project)
{
	begin();
	check(mkdir(".faas", 0755) == 0);
	put(".faas/config", "env = x\n");
	check(chmod(".faas/config", 0) == 0 && chmod(".", 0755) == 0);
	load_as_nobody(0);
	check(chmod(".faas/config", 0644) == 0 && chmod(".faas", 0) == 0);
	load_as_nobody(0);
	check(chmod(".faas", 0755) == 0 && chmod(".faas/config", 0646) == 0);
	load_as_nobody(-1);
	check(chmod(".faas/config", 0644) == 0);

	/* others' files are the user's own business to repair */
	put("system", "env = x\n");
	check(chmod("system", 0) == 0);
	load_as_nobody(-1);
	begin();
}

TEST(a_failed_write_leaves_nothing)
{
	struct error err = { 0 };

	begin();
	check(config_write(CONFIG_USER, "env", "../x", &err) < 0);
	check(config_write(CONFIG_USER, "nothing", "x", &err) < 0);
	check(access("faas", F_OK) < 0);
	check(config_write(CONFIG_PROJECT, "pager", "x", &err) < 0);
	check(err.code == ERR_DENIED);
	check(access(".faas", F_OK) < 0);
	begin();
}

TEST_MAIN;
