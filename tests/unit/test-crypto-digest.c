#include "lib/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* As "b2sum -l 256" of coreutils says. */
TEST(known)
{
	static const struct {
		const char *text, *want;
	} all[] = {
		{ "", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8" },
		{ "abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char hex[DIGEST_HEX];
		struct digest d;

		digest_init(&d);
		digest_add(&d, all[i].text, strlen(all[i].text));
		digest_end(&d, hex);
		check_str(hex, all[i].want);
	}
}

TEST(pieces_are_the_whole)
{
	char one[DIGEST_HEX], two[DIGEST_HEX];
	static char data[300000];
	struct digest d;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	digest_init(&d);
	digest_add(&d, data, sizeof(data));
	digest_end(&d, one);
	digest_init(&d);
	for (size_t at = 0, n = 1; at < sizeof(data); at += n, n = n * 3 % 4001) {
		if (n > sizeof(data) - at)
			n = sizeof(data) - at;
		digest_add(&d, data + at, n);
	}
	digest_end(&d, two);
	check_str(one, two);
}

TEST(fields_do_not_run_together)
{
	char one[DIGEST_HEX], two[DIGEST_HEX], three[DIGEST_HEX];
	struct digest d;

	digest_init(&d);
	digest_add_text(&d, "ab");
	digest_add_text(&d, "c");
	digest_end(&d, one);
	digest_init(&d);
	digest_add_text(&d, "a");
	digest_add_text(&d, "bc");
	digest_end(&d, two);
	digest_init(&d);
	digest_add_text(&d, "ab");
	digest_add_number(&d, 'c');
	digest_end(&d, three);
	check(strcmp(one, two) && strcmp(one, three) && strcmp(two, three));
}

TEST(a_file_has_the_digest_of_its_bytes)
{
	enum { SIZE = 1000003 };
	char *data = malloc(SIZE), of_bytes[DIGEST_HEX], of_file[DIGEST_HEX];
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct error err;

	check(data && fd >= 0);
	check(!digest_file(fd, of_file, &err));
	check_str(of_file, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
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
