#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/executor/executor.h"
#include "lib/spawner/monitor.h"
#include "tests/unit/test.h"

static struct msg_ended plain(int exit_code)
{
	struct msg_ended e = { .exit_code = exit_code, .id = "wxp7kzmyufxb" };

	return e;
}

/* The same bytes as the executor's own, which a parser reads. */
TEST(is_the_executors_text)
{
	struct execution rec = { .id = "wxp7kzmyufxb" };
	char frame[ANSWER_MAX];

	mon.answer = 0;
	for (int code = 0; code < 256; code += 51) {
		struct msg_ended e = plain(code);
		cleanup_json json_t *want = NULL;
		cleanup_json json_t *got = NULL;
		uint32_t len;

		mon.request = code + 1;
		rec.exit_code = code;
		check(answer_make(&e, frame) > sizeof(len));
		memcpy(&len, frame, sizeof(len));
		check(strlen(frame + sizeof(len)) == len);
		want = json_pack("{s:i,s:o}", "id", code + 1, "result", report_end(&rec));
		got = json_loadb(frame + sizeof(len), len, 0, NULL);
		check(json_equal(want, got));
		/* and in the order that cmd/quick.c expects */
		{
			char *text = json_dumps(want, JSON_COMPACT);

			check(text && !strncmp(text, frame + sizeof(len), len));
			free(text);
		}
	}
	mon.answer = -1;
}

TEST(what_is_not_plain_is_left_to_the_executor)
{
	static const uint32_t flags[] = {
		END_TIMED_OUT, END_OOM, END_CANCELLED, END_CLIENT_GONE,
	};
	char frame[ANSWER_MAX];
	struct msg_ended e;

	mon.answer = -1;
	e = plain(0);
	check(!answer_make(&e, frame));
	mon.answer = 0;
	check(answer_make(&e, frame));
	e = plain(-1);
	check(!answer_make(&e, frame));
	e = plain(0);
	e.code = ERR_NO_COMMAND;
	check(!answer_make(&e, frame));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		e = plain(0);
		e.flags = flags[i];
		check(!answer_make(&e, frame));
	}
	e = plain(0);
	e.flags = END_LOG_CUT | END_MEMORY_IS_RSS | END_PIDS_LIMIT;
	check(answer_make(&e, frame));
	mon.answer = -1;
}

TEST(the_client_sees_the_answer_and_the_end)
{
	char got[64];
	int pair[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	mon.answer = pair[0];
	answer_client("answer", 6);
	check(mon.answer == -1);
	check(read(pair[1], got, sizeof(got)) == 6 && !memcmp(got, "answer", 6));
	check(read(pair[1], got, sizeof(got)) == 0);
	(void)close(pair[1]);
	/* one that is gone is no harm */
	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	(void)close(pair[1]);
	mon.answer = pair[0];
	answer_client("answer", 6);
	check(mon.answer == -1);
	answer_leave();
}

TEST_MAIN;
