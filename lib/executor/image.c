#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/executor/environment.h"
#include "lib/executor/filling.h"

/*
 * An environment from an image: faas-oci brings the layers into the store of blobs, from
 * a registry or from a folder, and faas-archive unpacks them one over another. An archive
 * that holds an image is first unpacked into a folder beside the environments, by the
 * same confined helper as any other archive, and is gone again afterwards.
 */

struct image_fill {
	struct helper oci;		/* fd -1 when it is not at work */
	int blobs, request, folder;	/* descriptors, or -1 */
	char stage[64];			/* the unpacked archive below env/, or "" */
	bool made_stage;
	struct unpack_request stage_ask;
	int layers[UNPACK_LAYERS];
	size_t n;
};

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void drop_stage(struct filling *f)
{
	if (f->image->made_stage)
		env_remove(f->x, f->image->stage);
	f->image->made_stage = false;
}

void image_fill_free(struct filling *f)
{
	struct image_fill *i = f->image;

	if (!i)
		return;
	helper_release(&i->oci);
	drop_stage(f);
	shut(&i->blobs);
	shut(&i->request);
	shut(&i->folder);
	for (size_t k = 0; k < i->n; k++)
		shut(&i->layers[k]);
	free(i);
	f->image = NULL;
}

int blobs_folder(struct executor *x, struct error *err)
{
	int fd;

	if (mkdirat(x->state_dir, "blobs", 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create '%s/blobs'", x->state_path);
	fd = openat(x->state_dir, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "open '%s/blobs'", x->state_path) : fd;
}

static const char *const request_keys[] = {
	"reference", "tag", "platform", "insecure", "username", "password", "patience_ms",
	"proxy", "http_proxy", "no_proxy", "identity", "ca", NULL
};

int request_fd(const json_t *params, const char *const *keys, struct error *err)
{
	cleanup_close int fd = memfd_create("request", MFD_CLOEXEC);
	cleanup_json json_t *j = json_object();
	char *text;
	ssize_t n = -1;
	size_t len;

	for (size_t i = 0; keys[i]; i++)
		if (json_object_get(params, keys[i]))
			json_object_set(j, keys[i], json_object_get(params, keys[i]));
	text = json_dumps(j, JSON_COMPACT);
	len = text ? strlen(text) : 0;
	if (fd >= 0 && text)
		n = write(fd, text, len);
	if (text)
		explicit_bzero(text, len);
	free(text);
	if (n < 0 || (size_t)n != len || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno ? errno : ENOMEM, "hand on a request");
	return TAKE_FD(fd);
}

/* ---- the third step: what faas-oci said becomes the environment ---- */

/* The image's variables under those of the request. */
static int take_variables(struct filling *f, const json_t *config, struct error *err)
{
	cleanup_json json_t *all = json_deep_copy(json_object_get(config, "variables"));
	cleanup_json json_t *own = json_loads(f->env.variables, 0, NULL);
	char *text;

	if (!all || json_object_update(all, own) < 0 || !(text = json_dumps(all, JSON_COMPACT)))
		return err_set(err, ERR_LIMIT, "no memory for the image's variables");
	free(f->env.variables);
	f->env.variables = text;
	return 0;
}

static void take_default(char **at, const json_t *config, const char *key)
{
	const char *text = text_of(config, key);

	if (!*at && text)
		*at = memory_copy(text);
}

static int take_config(struct filling *f, const json_t *last, struct error *err)
{
	json_t *config = json_object_get(last, "config");
	const char *digest = text_of(last, "digest"), *workdir = text_of(config, "workdir");

	if (!json_is_object(config) || !digest)
		return err_set(err, ERR_PROTOCOL, "faas-oci did not say what it has");
	if (take_variables(f, config, err) < 0)
		return -1;
	if (workdir && *workdir == '/')
		take_default(&f->env.workdir, config, "workdir");
	take_default(&f->env.user, config, "user");
	f->env.checksum = memory_copy(digest);
	json_object_set_new(config, "digest", json_string(digest));
	json_object_set_new(config, "layers", json_integer((json_int_t)json_array_size(
		json_object_get(last, "layers"))));
	json_object_del(config, "variables");
	json_object_del(config, "workdir");
	json_object_del(config, "user");
	f->env.image = json_dumps(config, JSON_COMPACT);
	return 0;
}

static int open_layers(struct image_fill *i, const json_t *layers, struct error *err)
{
	const json_t *layer;
	size_t k;

	json_array_foreach(layers, k, layer) {
		const char *digest = text_of(layer, "digest");
		char name[128];

		if (!digest || strncmp(digest, "sha256:", 7) || strchr(digest, '/') ||
		    i->n == UNPACK_LAYERS)
			return err_set(err, ERR_PROTOCOL, "faas-oci named a layer that is none");
		(void)snprintf(name, sizeof(name), "sha256/%.64s", digest + 7);
		i->layers[i->n] = openat(i->blobs, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (i->layers[i->n] < 0)
			return err_sys(err, errno, "open layer '%.80s'", digest);
		i->n++;
	}
	return 0;
}

static int unpack_layers(struct filling *f, struct error *err)
{
	struct image_fill *i = f->image;

	if (take_config(f, i->oci.last, err) < 0 ||
	    open_layers(i, json_object_get(i->oci.last, "layers"), err) < 0)
		return -1;
	helper_release(&i->oci);
	drop_stage(f);
	f->ask.archive_fd = f->ask.source_fd = -1;
	f->ask.layer_fds = i->layers;
	f->ask.layers = i->n;
	/* images are made on running systems: what those had of devices is no harm here */
	f->ask.skip_special = true;
	(void)fault("image.unpack");
	return filling_unpack(f, err);
}

/* ---- the second: faas-oci ---- */

static void on_fetched(struct source *s, uint32_t events)
{
	struct filling *f = (struct filling *)s;
	struct error err;

	(void)events;
	if (!helper_read(&f->image->oci))
		return;
	event_remove(f->x, s);
	if (helper_result(&f->image->oci, &err) < 0 || unpack_layers(f, &err) < 0)
		filling_failed(f, &err);
}

static void on_progress(void *data, const json_t *progress)
{
	struct filling *f = data;

	if (f->session)
		session_event(f->session, f->request, "progress",
			      json_deep_copy(progress), NULL, 0);
}

static int fetch(struct filling *f, struct error *err)
{
	struct image_fill *i = f->image;
	char numbers[4][16];
	char *argv[] = {
		(char *)"faas-oci", (char *)"pull", (char *)"--blobs-fd", numbers[0],
		(char *)"--request-fd", numbers[1], (char *)"--status-fd", numbers[2],
		i->folder >= 0 ? (char *)"--source-fd" : NULL, numbers[3], NULL
	};
	const int fds[] = { i->blobs, i->request, i->folder };

	i->oci.progress = on_progress;
	i->oci.data = f;
	if (helper_open(&i->oci, "faas-oci", err) < 0)
		return -1;
	(void)snprintf(numbers[0], sizeof(numbers[0]), "%d", i->blobs);
	(void)snprintf(numbers[1], sizeof(numbers[1]), "%d", i->request);
	(void)snprintf(numbers[2], sizeof(numbers[2]), "%d", i->oci.write_fd);
	(void)snprintf(numbers[3], sizeof(numbers[3]), "%d", i->folder);
	(void)fault("image.fetch");
	if (helper_start(&i->oci, NULL, argv, fds, ARRAY_SIZE(fds), err) < 0)
		return -1;
	f->source = (struct source){ .fd = i->oci.fd, .ready = on_fetched };
	return event_add(f->x, &f->source, EPOLLIN, err);
}

/* ---- the first: an archive becomes a folder ---- */

static int open_stage(struct filling *f, struct error *err)
{
	f->image->folder = openat(f->ask.parent_fd, f->image->stage,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return f->image->folder < 0 ? err_sys(err, errno, "open the unpacked image") : 0;
}

static void on_staged(struct source *s, uint32_t events)
{
	struct filling *f = (struct filling *)s;
	struct unpack_result got;
	struct error err;

	(void)events;
	if (!unpack_read(f->unpack))
		return;
	event_remove(f->x, s);
	if (unpack_finish(TAKE_PTR(f->unpack), &got, &err) < 0) {
		f->image->made_stage = false;
		filling_failed(f, &err);
		return;
	}
	if (open_stage(f, &err) < 0 || fetch(f, &err) < 0)
		filling_failed(f, &err);
}

static int stage(struct filling *f, struct error *err)
{
	struct image_fill *i = f->image;

	id_make(i->stage);
	i->stage_ask = f->ask;
	i->stage_ask.name = i->stage;
	i->stage_ask.archive_fd = f->fd;
	i->stage_ask.source_fd = -1;
	/* it is read by us, and belongs to nobody else */
	i->stage_ask.progress = NULL;
	if (unpack_start(&i->stage_ask, &f->unpack, err) < 0)
		return -1;
	i->made_stage = true;
	f->source = (struct source){ .fd = unpack_fd(f->unpack), .ready = on_staged };
	return event_add(f->x, &f->source, EPOLLIN, err);
}

static int begin(struct filling *f, const json_t *params, struct error *err)
{
	struct image_fill *i = f->image = calloc(1, sizeof(*i));
	bool from = json_object_get(params, "from");
	struct stat st;

	if (!i)
		return err_sys(err, ENOMEM, "make an environment");
	*i = (struct image_fill){ .blobs = -1, .request = -1, .folder = -1,
				  .oci = { .fd = -1, .write_fd = -1, .line = STRBUF(0) } };
	if (from == !!json_object_get(params, "reference"))
		return err_set(err, ERR_USAGE, "either a reference or a folder or archive");
	if (from && (f->fd < 0 || fstat(f->fd, &st) < 0))
		return err_set(err, ERR_PROTOCOL, "the descriptor of the image is missing");
	i->blobs = blobs_folder(f->x, err);
	if (i->blobs < 0)
		return -1;
	i->request = request_fd(params, request_keys, err);
	if (i->request < 0)
		return -1;
	if (from && !S_ISDIR(st.st_mode))
		return stage(f, err);
	if (from)
		i->folder = TAKE_FD(f->fd);
	return fetch(f, err);
}

int environment_pull(struct session *s, json_int_t id, const json_t *params,
		     struct error *err)
{
	struct filling *f;

	if (filling_new(s, id, params, "image", &f, err) < 0)
		return -1;
	if (begin(f, params, err) < 0) {
		filling_cancel(f);
		return -1;
	}
	return 0;
}

/* ---- prune ---- */

static void prune_folder(int blobs, const char *name, bool dry, json_int_t *count,
			 json_int_t *bytes)
{
	int fd = openat(blobs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
			continue;
		if (!dry && unlinkat(fd, e->d_name, 0) < 0)
			continue;
		++*count;
		*bytes += (json_int_t)st.st_blocks * 512;
	}
	(void)closedir(d);
}

int environment_prune(struct session *s, json_int_t id, const json_t *params,
		      struct error *err)
{
	bool dry = json_is_true(json_object_get(params, "dry_run"));
	json_int_t count = 0, bytes = 0;
	cleanup_close int blobs = -1;

	if (!dry && (filling_any(true) || export_any(NULL))) {
		(void)err_set(err, ERR_BUSY, "an image is being pulled or exported");
		return err_hint(err, "try again when that has ended");
	}
	blobs = blobs_folder(s->x, err);
	if (blobs < 0)
		return -1;
	prune_folder(blobs, "sha256", dry, &count, &bytes);
	prune_folder(blobs, "partial", dry, &count, &bytes);
	session_result(s, id, json_pack("{s:I,s:I,s:b}", "blobs", count, "bytes", bytes,
					"dry_run", dry), NULL, 0);
	return 0;
}
