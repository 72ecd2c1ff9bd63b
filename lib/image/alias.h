#ifndef FAAS_IMAGE_ALIAS_H
#define FAAS_IMAGE_ALIAS_H

/*
 * Short names of images
 * =====================
 *
 * A file of lines "NAME REFERENCE", '#' begins a comment; some names are built in, and
 * a line of the file wins over them. An alias whose reference has no tag is for every
 * tag: with "python registry.example/python", "python:3.12" is
 * registry.example/python:3.12. What is no alias stays as it is.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/image/reference.h"

struct image_alias {
	char *name, *reference;
	bool builtin;
};

struct image_aliases {
	struct image_alias *v;
	size_t n;
};

/* Those of the file and the built in ones, by name; a file that is not there is empty. */
int image_aliases_load(const char *path, struct image_aliases *ret, struct error *err)
	_must_check_;
void image_aliases_release(struct image_aliases *a);
#define cleanup_aliases	__attribute__((cleanup(image_aliases_release)))

/* What name stands for, into buf. */
int image_alias_resolve(const struct image_aliases *a, const char *name, char buf[IMAGE_REF],
			struct error *err) _must_check_;

/* Writes the file anew, whole or not at all; reference NULL takes the name away. */
int image_alias_set(const char *path, const char *name, const char *reference,
		    struct error *err) _must_check_ __attribute__((nonnull(1, 2, 4)));

#endif
