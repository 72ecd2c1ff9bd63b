#include "lib/image/certs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

#define CERT(x)	"-----BEGIN CERTIFICATE-----\n" x "\n-----END CERTIFICATE-----"

static char dir[] = "/tmp/faas-certs-XXXXXX";

static const char *put(const char *name, const char *text)
{
	static char path[300];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	check(f && fputs(text, f) >= 0 && fclose(f) == 0);
	return path;
}

static void folder(const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	check(mkdir(path, 0700) == 0);
}

TEST(certificates_of_files_and_of_registries)
{
	struct strbuf to = STRBUF(CERTS_LIMIT);
	char path[300];
	struct error err;
	int tmp;

	check(mkdtemp(dir) && setenv("XDG_CONFIG_HOME", dir, 1) == 0);
	/* a key beside it is not handed on, and neither are words that are no text */
	(void)snprintf(path, sizeof(path), "%s",
		       put("both", "\xff words\n" CERT("A") "\n-----BEGIN PRIVATE KEY-----\nK\n"
			   "-----END PRIVATE KEY-----\n" CERT("B")));
	check(certs_add_file(path, &to, &err) == 0);
	check_str(to.buf, CERT("A") "\n" CERT("B") "\n");
	check(certs_add_file(put("none", "nothing"), &to, &err) < 0 && strstr(err.msg, "none"));
	check(certs_add_file(put("half", "-----BEGIN CERTIFICATE-----\nA"), &to, &err) < 0);
	check(certs_add_file("/nowhere/x", &to, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(certs_add_file(dir, &to, &err) < 0);
	strbuf_clear(&to);
	check(certs_add_registry("r.example:5000", &to, &err) == 0 && !to.len);
	folder("containers");
	folder("containers/certs.d");
	folder("containers/certs.d/r.example:5000");
	(void)put("containers/certs.d/r.example:5000/ca.crt", CERT("C"));
	(void)put("containers/certs.d/r.example:5000/client.cert", CERT("D"));
	check(certs_add_registry("r.example:5000", &to, &err) == 0);
	check_str(to.buf, CERT("C") "\n");
	strbuf_clear(&to);
	check(certs_add_registry("r.example", &to, &err) == 0 && !to.len);
	(void)put("containers/certs.d/r.example:5000/bad.crt", "x");
	check(certs_add_registry("r.example:5000", &to, &err) < 0 && strstr(err.msg, "bad.crt"));
	strbuf_release(&to);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(tree_remove(tmp, dir + 5, &err) == 0 && close(tmp) == 0);
}

TEST_MAIN;
