#ifndef FAAS_EXECUTOR_FILLING_H
#define FAAS_EXECUTOR_FILLING_H

/*
 * An environment that is being made: a helper fills its folder while requests go on.
 * environment.c fills it from a folder or an archive; image.c first has its layers
 * brought into the store of blobs.
 */

#include "lib/helper/helper.h"
#include "lib/environment/unpack.h"
#include "lib/executor/executor.h"

struct filling {
	struct source source;		/* a helper's status */
	struct filling *next;
	struct session *session;	/* NULL when it has gone */
	json_int_t request;
	struct executor *x;
	struct unpack *unpack;
	struct unpack_request ask;
	struct environment env;
	char folder[64];		/* below env/ */
	int fd;				/* what it is made from */
	bool replace;
	struct image_fill *image;	/* of image.c, or NULL */
};

/* From the parameters of a request: in the list, and nothing started. */
int filling_new(struct session *s, json_int_t id, const json_t *params, const char *kind,
		struct filling **ret, struct error *err);
/* What f->ask says, then row and answer. */
int filling_unpack(struct filling *f, struct error *err);
/* Kills its helpers; what they made goes in the background. Frees f. */
void filling_cancel(struct filling *f);
/* Says why, and frees f. */
void filling_failed(struct filling *f, struct error *err);
/* Is anything being made? Of an image, if so asked. */
bool filling_any(bool image);

/* JSON in memory that is on no disk: it may hold a password. Of the keys, NULL-ended. */
int request_fd(const json_t *params, const char *const *keys, struct error *err);
/* The folder of the store of blobs, made if need be. */
int blobs_folder(struct executor *x, struct error *err);
/* The folder env/ of the state folder; and removal of what is below it. */
int env_folder(struct executor *x, struct error *err);
void env_remove(struct executor *x, const char *name);

/* image.c: what a filling has of an image. */
void image_fill_free(struct filling *f);

#endif
