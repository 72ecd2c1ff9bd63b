#include "lib/base/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, char *ret)
{
	const unsigned char *p = data;

	for (; len >= 3; len -= 3, p += 3) {
		*ret++ = letters[p[0] >> 2];
		*ret++ = letters[(p[0] & 3) << 4 | p[1] >> 4];
		*ret++ = letters[(p[1] & 15) << 2 | p[2] >> 6];
		*ret++ = letters[p[2] & 63];
	}
	if (len) {
		unsigned int second = len == 2 ? p[1] : 0;

		*ret++ = letters[p[0] >> 2];
		*ret++ = letters[(p[0] & 3) << 4 | second >> 4];
		*ret++ = len == 2 ? letters[(second & 15) << 2] : '=';
		*ret++ = '=';
	}
	*ret = '\0';
}

ssize_t base64_decode(const char *s, void *ret)
{
	size_t len = strlen(s), pad = 0;
	unsigned char *out = ret;

	if (len % 4)
		return -EINVAL;
	while (pad < 2 && pad < len && s[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t n = 0;

		for (size_t k = 0; k < 4; k++) {
			bool end = i + k >= len - pad;
			const char *at = end ? letters : strchr(letters, s[i + k]);

			if (!at || (!end && !s[i + k]))
				return -EINVAL;
			n = n << 6 | (uint32_t)(at - letters);
		}
		*out++ = (unsigned char)(n >> 16);
		*out++ = (unsigned char)(n >> 8);
		*out++ = (unsigned char)n;
	}
	return (ssize_t)(len / 4 * 3 - pad);
}
