#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/remove.h"
#include "lib/image/authfile.h"
#include "tests/unit/test.h"

static void has(const char *path, const char *reference, const char *user)
{
	struct image_credential c;
	struct image_ref ref;
	struct error err;

	check(image_ref_parse(reference, &ref, &err) == 0);
	check(image_credential_load(path, &ref, &c, &err) == !!user);
	check_str(c.username, user ? user : "");
}

TEST(kept_and_forgotten)
{
	static const struct image_credential c = { "me", "se:cret", false };
	char dir[] = "/tmp/faas-keep-XXXXXX", path[200], *got = NULL;
	struct error err;
	struct stat st;
	FILE *f;
	int tmp;

	check(mkdtemp(dir));
	(void)unsetenv("REGISTRY_AUTH_FILE");
	check(setenv("HOME", dir, 1) == 0 && setenv("XDG_RUNTIME_DIR", dir, 1) == 0);
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)unsetenv("DOCKER_CONFIG");
	(void)snprintf(path, sizeof(path), "%s/a/b/auth.json", dir);
	check(image_credential_keep(path, "r.example", NULL, &got, &err) == -1);
	check(err.code == ERR_NOT_FOUND && !got);
	check(image_credential_keep(path, "r.example", &c, &got, &err) == 0);
	check_str(got, path);
	free(TAKE_PTR(got));
	check(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	has(path, "r.example/x", "me");
	has(path, "s.example/x", NULL);
	/* what others have written there stays, and its mode does not */
	f = fopen(path, "we");
	check(f && fputs("{\"credHelpers\":{\"t.example\":\"y\"},\"auths\":{\"s.example\":"
			 "{\"auth\":\"YTphYQ==\"}}}", f) >= 0 && fclose(f) == 0);
	check(chmod(path, 0644) == 0);
	check(image_credential_keep(path, "r.example", &c, &got, &err) == 0);
	free(TAKE_PTR(got));
	check(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	has(path, "r.example/x", "me");
	has(path, "s.example/x", "a");
	check(image_credential_keep(path, "r.example", NULL, &got, &err) == 0);
	free(TAKE_PTR(got));
	has(path, "r.example/x", NULL);
	has(path, "s.example/x", "a");
	/* a file that is none of ours is not overwritten */
	f = fopen(path, "we");
	check(f && fputs("text", f) >= 0 && fclose(f) == 0);
	check(image_credential_keep(path, "r.example", &c, &got, &err) == -1 && !got);
	check(stat(path, &st) == 0 && st.st_size == 4);
	check(image_credential_keep(NULL, "r.example", &c, &got, &err) == -1 && err.hint[0]);
	check(setenv("REGISTRY_AUTH_FILE", "relative", 1) == 0);
	check(image_credential_keep(path, "r.example", &c, &got, &err) == -1);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(tree_remove(tmp, dir + 5, &err) == 0 && close(tmp) == 0);
}

TEST_MAIN;
