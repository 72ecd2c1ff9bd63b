#ifndef FAAS_STATE_VIEW_H
#define FAAS_STATE_VIEW_H

/*
 * The files of a snapshot, without mounting it
 * ============================================
 *
 * A snapshot is a stack of overlay's upper folders over an environment. A view looks
 * paths up in it as the kernel would (Documentation/filesystems/overlayfs.rst): the
 * topmost layer that knows a name decides, a whiteout hides what is below it, an
 * opaque folder hides what is below it in that folder. Layers are what strangers'
 * programs wrote, so nothing is followed.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { VIEW_PATH = 4096 };

struct view_layer {
	int fd;				/* the layer's folder: "u", and "u.NAME" for parts */
	char name[40];
	bool user;			/* made without root: its marks are user.overlay.* */
};

struct view {
	struct view_layer *layers;	/* newest first */
	int n;
	int root;			/* of the environment */
	bool host;			/* root is the machine's, of which some is shown */
	bool bare;			/* a folder by itself, which no sandbox adds to */
	unsigned int shift;		/* to add to owners in root, to compare with layers */
};

struct view_entry {
	struct stat st;			/* owners shifted as in layers */
	int fd;				/* O_PATH; the caller closes it */
};

/* names: newest first, below the folder that layers_fd is; root "" is the host's. */
int view_open(int layers_fd, const char *const *names, int n, const char *root,
	      unsigned int shift, struct view *ret, struct error *err) _must_check_;
void view_close(struct view *v);
DEFINE_CLEANUP(struct view *, view_close);

/* path: relative, without dots. 1: *ret is it; 0: there is none; -1: *err. */
int view_lookup(const struct view *v, const char *path, struct view_entry *ret,
		struct error *err) _must_check_;

/* Opens what a layer has at path, O_PATH, or -1 with errno; nothing is followed. */
int view_layer_at(const struct view_layer *layer, const char *path);
/* A character device 0:0: overlay's sign of what is not there any more. */
bool view_is_whiteout(const struct stat *st);
/*
 * Does this folder of the layer hide what is below it? Only the mark that the layer's
 * overlay makes counts: the other one is a program's, to which it means nothing.
 */
bool view_is_opaque(const struct view_layer *layer, int fd);

#endif
