#include "lib/crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

TEST(of_nothing_and_of_abc)
{
	char text[HASH_TEXT];
	struct hash h;

	/* b2sum -l 256 */
	hash_begin(&h);
	hash_end(&h, text);
	check(!strcmp(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"));
	hash_begin(&h);
	hash_add(&h, "a", 1);
	hash_add(&h, "bc", 2);
	hash_end(&h, text);
	check(!strcmp(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"));
}

TEST(texts_have_their_lengths)
{
	char a[HASH_TEXT], b[HASH_TEXT];
	struct hash h;

	hash_begin(&h);
	hash_add_text(&h, "ab");
	hash_add_text(&h, "c");
	hash_end(&h, a);
	hash_begin(&h);
	hash_add_text(&h, "a");
	hash_add_text(&h, "bc");
	hash_end(&h, b);
	check(strcmp(a, b) != 0);
	hash_begin(&h);
	hash_add(&h, "\2\0\0\0\0\0\0\0ab", 10);
	hash_add_u64(&h, 1);
	hash_add(&h, "c", 1);
	hash_end(&h, b);
	check(!strcmp(a, b));
}

TEST(pieces_are_the_whole)
{
	char one[HASH_TEXT], two[HASH_TEXT];
	static char data[300000];
	struct hash d;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	hash_begin(&d);
	hash_add(&d, data, sizeof(data));
	hash_end(&d, one);
	hash_begin(&d);
	for (size_t at = 0, n = 1; at < sizeof(data); at += n, n = n * 3 % 4001) {
		if (n > sizeof(data) - at)
			n = sizeof(data) - at;
		hash_add(&d, data + at, n);
	}
	hash_end(&d, two);
	check_str(one, two);
}

TEST(a_file_has_the_digest_of_its_bytes)
{
	enum { SIZE = 1000003 };
	char *data = malloc(SIZE), of_bytes[HASH_TEXT], of_file[HASH_TEXT];
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct error err;

	check(data && fd >= 0);
	check(!hash_file(fd, of_file, &err));
	check_str(of_file, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 31 + i / 251);
	check(write(fd, data, SIZE) == SIZE);
	hash_bytes(data, SIZE, of_bytes);
	/* it stands at its end */
	check(!hash_file(fd, of_file, &err));
	check_str(of_file, of_bytes);
	check(!close(fd));
	free(data);
}

TEST(what_cannot_be_read)
{
	char hex[HASH_TEXT] = "as it was";
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	check(hash_file(fd, hex, &err) < 0);
	check(err.errnum == EISDIR);
	check_str(hex, "as it was");
	check(!close(fd));
}

TEST_MAIN;
