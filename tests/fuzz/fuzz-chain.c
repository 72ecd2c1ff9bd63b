/*
 * Any file of steps: it is steps that each have what their kind needs, or an error that
 * says where; and everything is released.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chain/steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps steps = { 0 };
	struct error err = { 0 };

	if (steps_parse((const char *)data, size, "F", &steps, &err) < 0 &&
	    (!err.code || strncmp(err.msg, size > STEPS_MAX_SIZE ? "'F'" : "F:",
				  size > STEPS_MAX_SIZE ? 3 : 2)))
		abort();
	for (int i = 0; i < steps.n; i++) {
		const struct step *s = &steps.v[i];

		if (s->n < (s->kind == STEP_COPY ? 2 : 1) || s->line < 1 || !*s->text)
			abort();
		if (s->kind == STEP_WORKDIR && (*s->words[0] != '/' || strstr(s->words[0], "//")))
			abort();
		if (s->kind == STEP_ENV && !strchr(s->words[0], '='))
			abort();
	}
	steps_release(&steps);
	return 0;
}
