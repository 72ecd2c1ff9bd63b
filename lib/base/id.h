#ifndef FAAS_BASE_ID_H
#define FAAS_BASE_ID_H

/*
 * Ids of executions and sandboxes: 12 random characters of [a-z2-7], the first
 * a letter (60 bits). No two alike, no order, nothing to guess from; any four
 * first characters that are unique will do on a command line.
 */

#include <stdbool.h>

enum { ID_LEN = 12, ID_SIZE = ID_LEN + 1 };

#define ID_LETTERS	"abcdefghijklmnopqrstuvwxyz234567"

/* From ID_LEN random bytes. */
static inline void id_from(const unsigned char *bytes, char ret[ID_SIZE])
{
	for (int i = 0; i < ID_LEN; i++)
		ret[i] = ID_LETTERS[bytes[i] % (i ? 32 : 26)];
	ret[ID_LEN] = '\0';
}

void id_make(char ret[ID_SIZE]);
/* Could id_make() have made it? */
bool id_valid(const char *id);

#endif
