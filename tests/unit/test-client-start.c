#include "lib/client/start.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

TEST(finds_the_program_by_variable_then_itself_then_path)
{
	char dir[] = "/tmp/faas-start-XXXXXX", path[64], buf[4096], all[96];
	struct error err;
	FILE *f;

	check(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/faas", dir);
	(void)snprintf(all, sizeof(all), "relative::/nonexistent:%s", dir);
	check(!unsetenv("FAAS_PROGRAM") && !setenv("PATH", all, 1));
	check(client_find_program(buf, sizeof(buf), &err) < 0);
	check(err.code == ERR_UNAVAILABLE && *err.hint);
	f = fopen(path, "we");
	check(f && !fclose(f) && client_find_program(buf, sizeof(buf), &err) < 0);
	check(!chmod(path, 0700) && !client_find_program(buf, sizeof(buf), &err));
	check_str(buf, path);
	client_set_program("/proc/self/exe");
	check(!client_find_program(buf, sizeof(buf), &err) && strstr(buf, "test-client-start"));
	check(!setenv("FAAS_PROGRAM", path, 1) && !client_find_program(buf, sizeof(buf), &err));
	check_str(buf, path);
	check(!setenv("FAAS_PROGRAM", "faas", 1));
	check(client_find_program(buf, sizeof(buf), &err) < 0 && strstr(err.msg, "FAAS_PROGRAM"));
	check(!unlink(path) && !rmdir(dir));
}

TEST_MAIN;
