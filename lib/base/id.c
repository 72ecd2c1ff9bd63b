#include "lib/base/id.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>


bool id_valid(const char *id)
{
	return strlen(id) == ID_LEN && strspn(id, ID_LETTERS) == ID_LEN && *id >= 'a';
}

void id_make(char ret[ID_SIZE])
{
	unsigned char bytes[ID_LEN];

	/* up to 256 bytes come whole once the kernel's pool is ready */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	id_from(bytes, ret);
}
