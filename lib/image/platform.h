#ifndef FAAS_IMAGE_PLATFORM_H
#define FAAS_IMAGE_PLATFORM_H

/*
 * What machine an image is for: OS/ARCHITECTURE[/VARIANT], "linux/arm64/v8".
 */

#include <stdbool.h>

#include "lib/base/error.h"

enum { PLATFORM_PART = 24, PLATFORM_SIZE = 3 * PLATFORM_PART };

struct image_platform {
	char os[PLATFORM_PART], architecture[PLATFORM_PART], variant[PLATFORM_PART];
};

/* Also "arm64" alone, which is linux. NULL is this machine. */
int image_platform_parse(const char *text, struct image_platform *ret, struct error *err)
	_must_check_;
char *image_platform_format(const struct image_platform *p, char buf[PLATFORM_SIZE]);
/* Is what an image has what is wanted? Without a wanted variant, any will do. */
bool image_platform_suits(const struct image_platform *has, const struct image_platform *want);

#endif
