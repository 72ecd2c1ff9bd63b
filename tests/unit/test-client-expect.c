#include "lib/client/expect.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct error err;

/* A client whose executor is the other end, which we keep. */
static struct client *client_of(int *ret_executor)
{
	const struct client_options options = { .state_dir = "/nowhere" };
	struct client *c = NULL;
	int pair[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	check(!client_resume(&options, pair[0], "", 0, 0, &c, &err));
	*ret_executor = pair[1];
	err = (struct error){ 0 };
	return c;
}

static void answer(int executor, const char *frame)
{
	uint32_t len = (uint32_t)strlen(frame);

	check(write(executor, &len, 4) == 4 && write(executor, frame, len) == (ssize_t)len);
}

TEST(nothing_is_expected)
{
	CLEANUP(client_free) struct client *c = NULL;
	struct expect e = { 0 };
	int executor;

	c = client_of(&executor);
	check(!expect_check(&e, c, "x", &err));
	expect_answer(&e, 1, 0);
	expect_nothing(&e);
	check(!expect_check(&e, c, "x", &err));
	close(executor);
}

TEST(an_answer_comes_whatever_it_says)
{
	CLEANUP(client_free) struct client *c = NULL;
	struct expect e = { 0 };
	int executor;

	c = client_of(&executor);
	expect_answer(&e, 1, 0);
	answer(executor, "{\"id\":1,\"result\":{}}");
	check(!expect_check(&e, c, "x", &err) && !e.call);
	expect_answer(&e, 2, 0);
	answer(executor, "{\"id\":2,\"error\":{\"code\":\"not-found\",\"message\":\"m\"}}");
	check(!expect_check(&e, c, "x", &err) && !e.call);
	close(executor);
}

TEST(none_comes)
{
	CLEANUP(client_free) struct client *c = NULL;
	struct expect e = { 0 };
	int executor;

	c = client_of(&executor);
	expect_answer(&e, 1, 3600 * 1000);
	check(!expect_check(&e, c, "x", &err) && e.call == 1);
	/* what is due sooner counts, and what is due later puts nothing off */
	expect_answer(&e, 2, 0);
	expect_answer(&e, 3, 3600 * 1000);
	check(e.call == 1);
	check(expect_check(&e, c, "e-1", &err) == -1);
	check(err.code == ERR_UNAVAILABLE && strstr(err.msg, "'e-1'") && err.hint[0]);
	close(executor);
}

/* The end of its stream is for who waits for the run's end to notice. */
TEST(an_executor_that_is_gone_is_no_silence)
{
	CLEANUP(client_free) struct client *c = NULL;
	struct expect e = { 0 };
	int executor;

	c = client_of(&executor);
	close(executor);
	expect_answer(&e, 1, 0);
	check(!expect_check(&e, c, "x", &err) && !e.call);
}

TEST_MAIN;
