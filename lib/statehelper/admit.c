#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/beneath.h"
#include "lib/crypto/sign.h"
#include "lib/statehelper/digest.h"
#include "lib/statehelper/verb.h"

/*
 * What a confined reader has unpacked (lib/archive), before it becomes snapshots. That
 * reader may have been taken over by what it read: here its files are looked at and not
 * interpreted, but for the manifest, and what they are is compared with what that says.
 */

enum { MANIFEST_MAX = 4 << 20, SIGNATURE_MAX = 4096, LAYERS_MAX = 1000, LIST_MAX = 64 << 20 };

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* A regular file of the staging folder, with a NUL; NULL when there is none, or *err. */
static char *read_file(const char *name, size_t max, size_t *ret_len, struct error *err)
{
	cleanup_close int fd = open_beneath(3, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	cleanup_free char *text = NULL;
	struct stat st;
	size_t len = 0;

	err->code = ERR_NONE;
	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		(void)err_set(err, ERR_USAGE, "'%s' in it is not such a file", name);
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	while (text && len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (!text) {
		(void)err_sys(err, ENOMEM, "read '%s'", name);
		return NULL;
	}
	text[len] = '\0';
	*ret_len = len;
	return TAKE_PTR(text);
}

static int check_signature(const char *manifest, size_t len, struct error *err)
{
	size_t text_len = 0;
	cleanup_free char *text = read_file("faas-snapshot.sig", SIGNATURE_MAX, &text_len, err);
	unsigned char key[SIGN_PUBLIC];
	ssize_t n;

	if (!text)
		return err->code ? -1 : err_set(err, ERR_DENIED, "it is not signed");
	if (sign_read_public(4, key, err) < 0)
		return -1;
	/* it has no more bytes than characters */
	n = base64_decode(text, text);
	return sign_check(key, manifest, len, (unsigned char *)text, n < 0 ? 0 : (size_t)n, err);
}

static int check_manifest(const json_t *manifest, struct error *err)
{
	const json_t *layers = json_object_get(manifest, "layers");
	const char *format = text_of(manifest, "format");
	json_t *layer;
	size_t i;

	if (!format || strcmp(format, "faas.snapshot.v1")) {
		(void)err_set(err, ERR_UNSUPPORTED, "it has format '%.60s', and this faas knows "
			      "'faas.snapshot.v1'", format ? format : "");
		return err_hint(err, "import it with a newer faas");
	}
	if (!json_array_size(layers) || json_array_size(layers) > LAYERS_MAX ||
	    !text_of(json_object_get(manifest, "environment"), "name"))
		return err_set(err, ERR_USAGE, "its manifest is not whole");
	json_array_foreach((json_t *)(uintptr_t)layers, i, layer)
		if (!text_of(layer, "digest"))
			return err_set(err, ERR_USAGE, "its manifest is not whole");
	return 0;
}

/* As many as the manifest says, no more and no less. */
static int check_folders(size_t want, struct error *err)
{
	int fd = open_beneath(3, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return err_set(err, ERR_USAGE, "it has no layers");
	}
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n == want ? 0 : err_set(err, ERR_USAGE, "it has %zu layers, and its manifest %zu", n,
				       want);
}

/* Folders that hide what is below them: only who mounts them may say so. */
static int set_opaque(struct error *err)
{
	const char *mark = geteuid() ? "user.overlay.opaque" : "trusted.overlay.opaque";
	size_t len = 0;
	cleanup_free char *list = read_file("opaque", LIST_MAX, &len, err);

	if (!list)
		return err->code ? -1 : 0;
	for (const char *path = list; path < list + len; path += strlen(path) + 1) {
		cleanup_close int fd = strncmp(path, "layers/", 7) ? -1
			: open_beneath(3, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

		if (fd < 0)
			return err_set(err, ERR_USAGE, "an opaque folder is not there");
		if (fsetxattr(fd, mark, "y", 1, 0) < 0)
			return err_sys(err, errno, "mark a folder as opaque");
	}
	return 0;
}

static int admit_layer(size_t i, const json_t *layer, const struct walk_owners *owners,
		       struct error *err)
{
	char path[32], digest[DIGEST_TEXT];
	cleanup_close int fd = -1;

	(void)snprintf(path, sizeof(path), "layers/%zu", i);
	fd = open_beneath(3, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_set(err, ERR_USAGE, "layer %zu of its manifest is not in it", i);
	/* ours, as that of any layer: whose it is says how its marks are read */
	if (fchown(fd, geteuid(), getegid()) < 0 || fchmod(fd, 0711) < 0)
		return err_sys(err, errno, "take layer %zu", i);
	if (digest_layer(fd, owners, digest, err) < 0)
		return err_wrap(err, "layer %zu", i);
	if (!digest_same(text_of(layer, "digest"), digest, !owners->nobody))
		return err_set(err, ERR_USAGE, "layer %zu is not what its manifest says", i);
	return 0;
}

int verb_admit(const json_t *ask, json_t *result, struct error *err)
{
	struct walk_owners owners = ask_owners(ask);
	size_t len = 0, i;
	cleanup_free char *text = read_file("faas-snapshot.json", MANIFEST_MAX, &len, err);
	json_t *manifest, *layer;

	if (!text)
		return err->code ? -1 : err_set(err, ERR_USAGE, "it is no exported snapshot: it has "
						"no manifest");
	if (json_is_true(json_object_get(ask, "verify")) && check_signature(text, len, err) < 0)
		return -1;
	manifest = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	json_object_set_new(result, "manifest", manifest ? manifest : json_null());
	if (check_manifest(manifest, err) < 0 ||
	    check_folders(json_array_size(json_object_get(manifest, "layers")), err) < 0 ||
	    set_opaque(err) < 0)
		return -1;
	json_array_foreach(json_object_get(manifest, "layers"), i, layer) {
		say_progress(i, json_array_size(json_object_get(manifest, "layers")));
		if (admit_layer(i, layer, &owners, err) < 0)
			return -1;
	}
	return syncfs(3) < 0 ? err_sys(err, errno, "write it to the disk") : 0;
}
