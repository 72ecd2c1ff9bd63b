#include "lib/statehelper/walk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/state.h"

struct seen {
	char text[2000];
	int stop_at, n;
};

static int note(void *arg, const struct walk_entry *e, struct error *error)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	if (s->stop_at && ++s->n == s->stop_at)
		return err_set(error, ERR_CONFLICT, "enough");
	snprintf(s->text + len, sizeof(s->text) - len, " %s%s%s%s%s", e->path,
		 e->whiteout ? "!" : "", e->opaque ? "#" : "", e->same ? "=" : "",
		 e->same ? e->same : "");
	for (int i = 0; i < e->n_xattrs; i++) {
		len = strlen(s->text);
		snprintf(s->text + len, sizeof(s->text) - len, "[%s:%zu]", e->xattrs[i].name,
			 e->xattrs[i].len);
	}
	return 0;
}

static struct seen walk(int want)
{
	struct walk_owners owners = { .shift = 0 };
	struct seen s = { .stop_at = want < 0 ? 2 : 0 };
	int fd = openat(dir->fd, "one", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(fd >= 0 && walk_layer(fd, &owners, note, &s, &err) == want);
	close(fd);
	return s;
}

TEST(in_order_and_with_everything)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct seen s;
	int sock;

	begin();
	folder("one/u/b");
	put("one/u/b", "z", "1");
	put("one/u", "a", "2");
	put("one/u", "c", "3");
	folder("one/u.etc");
	put("one/u.etc", "x", "");
	folder("one/w");
	folder("one/unrelated");
	whiteout("one/u/gone");
	opaque("one/u/b");
	check(!linkat(dir->fd, "one/u/a", dir->fd, "one/u/d", 0));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/one/u/sock", dir->path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(sock >= 0 && !bind(sock, (struct sockaddr *)&sa, sizeof(sa)));
	close(sock);
	s = walk(0);
	check(!strcmp(s.text, " u u/a u/b# u/b/z u/c u/d=u/a u/gone! u.etc u.etc/x"));
	s = walk(-1);
	check(!strcmp(s.text, " u") && err.code == ERR_CONFLICT);
	end();
}

TEST(attributes_of_users_only)
{
	struct seen s;
	char path[512];

	begin();
	put("one/u", "a", "2");
	snprintf(path, sizeof(path), "%s/one/u/a", dir->path);
	if (setxattr(path, "user.z", "123", 3, 0) < 0) {
		end();
		return;
	}
	check(!setxattr(path, "user.b", "", 0, 0));
	check(!setxattr(path, "user.overlay.opaque", "y", 1, 0));
	s = walk(0);
	check(!strcmp(s.text, " u u/a[user.b:0][user.z:3]"));
	end();
}

TEST(content_by_blocks)
{
	struct walk_entry e = { .path = "f" };
	static char block[WALK_BLOCK];
	uint64_t at = 0;

	begin();
	e.fd = openat(dir->fd, "one/f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	check(e.fd >= 0 && pwrite(e.fd, "x", 1, 10 * WALK_BLOCK + 5) == 1);
	check(!fstat(e.fd, &e.st) && walk_read(&e, &at, block, &err) == 6);
	check(at == 10 * WALK_BLOCK && block[5] == 'x');
	at += 6;
	check(!walk_read(&e, &at, block, &err));
	/* one more name of a file has no content of its own */
	e.same = "g";
	at = 0;
	check(!walk_read(&e, &at, block, &err));
	close(e.fd);
	end();
}

TEST_MAIN;
