#include "lib/image/authfile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

static void put(const char *dir, const char *path, const char *auth)
{
	char full[200];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s/%s", dir, path);
	f = fopen(full, "we");
	check(f);
	check(fprintf(f, "{\"auths\":{\"r.example\":{\"auth\":\"%s\"}}}", auth) > 0);
	check(fclose(f) == 0);
}

TEST(places_in_their_order)
{
	char dir[] = "/tmp/faas-auth-XXXXXX", path[200];
	struct image_credential c;
	struct image_ref ref;
	struct error err;
	int tmp;

	check(mkdtemp(dir));
	check(image_ref_parse("r.example/a", &ref, &err) == 0);
	(void)unsetenv("REGISTRY_AUTH_FILE");
	(void)unsetenv("XDG_RUNTIME_DIR");
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)unsetenv("DOCKER_CONFIG");
	check(setenv("HOME", dir, 1) == 0);
	check(image_credential_load(NULL, &ref, &c, &err) == 0);
	(void)snprintf(path, sizeof(path), "%s/.docker", dir);
	check(mkdir(path, 0700) == 0);
	put(dir, ".docker/config.json", "YTphYQ==");
	check(image_credential_load(NULL, &ref, &c, &err) == 1);
	check_str(c.username, "a");
	(void)snprintf(path, sizeof(path), "%s/containers", dir);
	check(mkdir(path, 0700) == 0 && setenv("XDG_RUNTIME_DIR", dir, 1) == 0);
	put(dir, "containers/auth.json", "YjpiYg==");
	check(image_credential_load(NULL, &ref, &c, &err) == 1);
	check_str(c.password, "bb");
	put(dir, "only", "YzpjYw==");
	(void)snprintf(path, sizeof(path), "%s/only", dir);
	check(setenv("REGISTRY_AUTH_FILE", path, 1) == 0);
	check(image_credential_load(NULL, &ref, &c, &err) == 1);
	check_str(c.username, "c");
	put(dir, "only", "!");
	check(image_credential_load(NULL, &ref, &c, &err) < 0 && strstr(err.msg, "only"));
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(tree_remove(tmp, dir + 5, &err) == 0 && close(tmp) == 0);
}

TEST_MAIN;
