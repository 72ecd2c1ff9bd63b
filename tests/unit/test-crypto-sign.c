#include "lib/crypto/sign.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* by openssl genpkey -algorithm ed25519, and openssl pkey -pubout */
static const char private_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIODMFDDOKTwa9MtqvVqRJLO837zo8glONSC++8EFeF1A\n"
	"-----END PRIVATE KEY-----\n";
static const char public_pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VwAyEAk4LLU26d+t8nUIGQVxUN7Dci7yGkMWNzt/jB4Hok16c=\n"
	"-----END PUBLIC KEY-----\n";
static struct error err;

static int with(const char *text)
{
	int ends[2];

	check(!pipe(ends) && write(ends[1], text, strlen(text)) == (ssize_t)strlen(text));
	close(ends[1]);
	return ends[0];
}

TEST(what_one_half_signs_the_other_checks)
{
	unsigned char key[SIGN_KEY], public_half[SIGN_PUBLIC], signature[SIGN_BYTES];
	int a = with(private_pem), b = with(public_pem);

	check(!sign_read_private(a, key, &err) && !sign_read_public(b, public_half, &err));
	check(!sign_make(key, "text", 4, signature, &err));
	check(!sign_check(public_half, "text", 4, signature, SIGN_BYTES, &err));
	check(sign_check(public_half, "texT", 4, signature, SIGN_BYTES, &err) < 0);
	check(err.code == ERR_DENIED);
	check(sign_check(public_half, "text", 4, signature, SIGN_BYTES - 1, &err) < 0);
	signature[7] ^= 1;
	check(sign_check(public_half, "text", 4, signature, SIGN_BYTES, &err) < 0);
	sign_forget(key);
	check(!key[0] && !key[SIGN_KEY - 1]);
	close(a);
	close(b);
}

TEST(what_is_no_key_is_refused)
{
	static const char *const bad[] = {
		"", "text", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
		public_pem,
	};
	unsigned char key[SIGN_KEY];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int fd = with(bad[i]);

		check(sign_read_private(fd, key, &err) < 0 && err.code == ERR_USAGE && err.hint[0]);
		close(fd);
	}
	check(sign_read_public(-1, key, &err) < 0 && err.code == ERR_SYSTEM);
}

TEST_MAIN;
