#include "lib/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* b2sum -l 256 says the same. */
#define OF_NOTHING "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
#define OF_ABC "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"

TEST(known_values)
{
	char hex[DIGEST_HEX];

	digest_bytes("", 0, hex);
	check_str(hex, OF_NOTHING);
	digest_bytes("abc", 3, hex);
	check_str(hex, OF_ABC);
}

TEST(a_file_has_the_digest_of_its_bytes)
{
	enum { SIZE = 1000003 };
	char *data = malloc(SIZE), of_bytes[DIGEST_HEX], of_file[DIGEST_HEX];
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct error err;

	check(data && fd >= 0);
	check(!digest_file(fd, of_file, &err));
	check_str(of_file, OF_NOTHING);
	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 31 + i / 251);
	check(write(fd, data, SIZE) == SIZE);
	digest_bytes(data, SIZE, of_bytes);
	/* it stands at its end */
	check(!digest_file(fd, of_file, &err));
	check_str(of_file, of_bytes);
	check(!close(fd));
	free(data);
}

TEST(what_cannot_be_read)
{
	char hex[DIGEST_HEX] = "as it was";
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	check(digest_file(fd, hex, &err) < 0);
	check(err.errnum == EISDIR);
	check_str(hex, "as it was");
	check(!close(fd));
}

TEST_MAIN;
