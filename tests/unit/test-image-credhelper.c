#include "lib/image/credhelper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

static char dir[] = "/tmp/faas-helper-XXXXXX";

/* docker-credential-x, first in PATH */
static void put(const char *body)
{
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/docker-credential-x", dir);
	f = fopen(path, "we");
	check(f && fprintf(f, "#!/bin/sh\n%s\n", body) > 0 && fclose(f) == 0);
	check(chmod(path, 0700) == 0);
}

TEST(programs_that_keep_credentials)
{
	struct image_credential c = { .username = "" };
	char path[300];
	struct error err;
	int tmp;

	check(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", dir);
	check(setenv("PATH", path, 1) == 0);
	put("read server; [ $1 = get ] || exit 1\n"
	    "echo \"{\\\"Username\\\":\\\"$server\\\",\\\"Secret\\\":\\\"s\\\"}\"");
	check(credhelper_get("x", "r.example", CREDHELPER_MS, &c, &err) == 1);
	check_str(c.username, "r.example");
	check_str(c.password, "s");
	check(!c.identity);
	put("echo '{\"Username\":\"<token>\",\"Secret\":\"s\"}'");
	check(credhelper_get("x", "r.example", CREDHELPER_MS, &c, &err) == 1 && c.identity);
	put("echo 'credentials not found in native keychain'; exit 1");
	check(credhelper_get("x", "r.example", CREDHELPER_MS, &c, &err) == 0);
	put("echo 'the keychain is locked'; exit 1");
	check(credhelper_get("x", "r.example", CREDHELPER_MS, &c, &err) == -1);
	check(err.code == ERR_AUTH && strstr(err.msg, "is locked"));
	put("echo nothing");
	check(credhelper_get("x", "r.example", CREDHELPER_MS, &c, &err) == -1);
	check(err.code == ERR_PROTOCOL && !strstr(err.msg, "nothing"));
	put("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
	check(credhelper_get("x", "r.example", CREDHELPER_MS, &c, &err) == -1);
	/* one that says nothing is ended, and not waited for */
	put("exec sleep 1000");
	check(credhelper_get("x", "r.example", 50, &c, &err) == -1 && err.code == ERR_TIMEOUT);
	check(credhelper_get("none", "r.example", 50, &c, &err) == -1);
	check(strstr(err.msg, "docker-credential-none"));
	check(credhelper_get("../x", "r.example", 50, &c, &err) == -1 && err.code == ERR_USAGE);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(tree_remove(tmp, dir + 5, &err) == 0 && close(tmp) == 0);
}

TEST_MAIN;
