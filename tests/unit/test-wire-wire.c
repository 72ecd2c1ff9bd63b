#include "lib/wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct error err;

/* Two ends that do not block, as the executor's. */
static void connect_both(struct wire *a, struct wire *b)
{
	int sv[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv));
	wire_init(a, sv[0]);
	wire_init(b, sv[1]);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 512; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void send_text(struct wire *w, const char *text, size_t len)
{
	uint32_t n = (uint32_t)len;

	check(write(w->fd, &n, 4) == 4 && write(w->fd, text, len) == (ssize_t)len);
}

static json_t *next(struct wire *w)
{
	json_t *j = NULL;

	check(wire_next(w, &j, &err) == 1);
	return j;
}

/* The frame is refused, and a reason is given. */
static void refused(const char *text, size_t len, const char *why)
{
	struct wire a, b;
	json_t *j;

	connect_both(&a, &b);
	send_text(&a, text, len);
	while (wire_fill(&b, &err) > 0)
		;
	err = (struct error){ 0 };
	check(wire_next(&b, &j, &err) == -1);
	check(err.code == ERR_PROTOCOL && strstr(err.msg, why));
	wire_release(&a);
	wire_release(&b);
}

TEST(frames_arrive_whole_and_in_order)
{
	struct wire a, b;

	connect_both(&a, &b);
	for (int i = 0; i < 100; i++) {
		cleanup_json json_t *j =
		    json_pack("{s:i,s:s}", "id", i, "t", "\xc3\xa4\n");

		check(!wire_send(&a, j, NULL, 0, &err));
	}
	check(!wire_pending(&a) && wire_fill(&b, &err) == 1);
	for (int i = 0; i < 100; i++) {
		cleanup_json json_t *j = next(&b);

		check(json_integer_value(json_object_get(j, "id")) == i);
		check_str(json_string_value(json_object_get(j, "t")), "\xc3\xa4\n");
	}
	json_t *j;

	check(wire_next(&b, &j, &err) == 0 && wire_fill(&b, &err) == 0);
	wire_release(&a);
	wire_release(&b);
}

TEST(a_byte_at_a_time)
{
	static const char text[] = "\x0a\0\0\0{\"id\":123}\x08\0\0\0{\"id\":4}";
	struct wire a, b;
	int frames = 0;

	connect_both(&a, &b);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		json_t *j;

		check(write(a.fd, text + i, 1) == 1 && wire_fill(&b, &err) == 1);
		if (wire_next(&b, &j, &err) == 1) {
			check(i == (frames ? 25 : 13));
			json_decref(j);
			frames++;
		}
	}
	check(frames == 2);
	wire_release(&a);
	wire_release(&b);
}

TEST(descriptors_come_with_their_frame)
{
	struct wire a, b;
	int before = open_fds(), fds[WIRE_FDS_MAX], fd;

	connect_both(&a, &b);
	for (int i = 0; i < WIRE_FDS_MAX; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		check(lseek(fds[i], 0, SEEK_SET) == 0);
	}
	for (int i = 0; i < 3; i++) {
		cleanup_json json_t *j = json_object();

		check(!wire_send(&a, j, fds, i + 1, &err));
	}
	while (wire_fill(&b, &err) > 0)
		;
	for (int i = 0; i < 3; i++) {
		cleanup_json json_t *j = next(&b);

		check(json_integer_value(json_object_get(j, "fds")) == i + 1);
		for (int k = 0; k <= i; k++) {
			fd = wire_take_fd(&b);
			check(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
			close(fd);
		}
	}
	check(wire_take_fd(&b) == -1);

	cleanup_json json_t *j = json_object();

	check(wire_send(&a, j, fds, WIRE_FDS_MAX + 1, &err) == -1 && err.code == ERR_BUG);
	fd = -1;
	check(wire_send(&a, j, &fd, 1, &err) == -1 && err.errnum == EBADF);
	check(!wire_pending(&a));
	/* what nobody takes is closed with the rest */
	check(!wire_send(&a, j, fds, WIRE_FDS_MAX, &err) && wire_fill(&b, &err) == 1);
	for (int i = 0; i < WIRE_FDS_MAX; i++)
		close(fds[i]);
	wire_release(&a);
	wire_release(&b);
	check(open_fds() == before);
}

TEST(more_descriptors_than_are_kept)
{
	struct wire a, b;
	int before = open_fds(), fds[WIRE_FDS_MAX] = { 0 };

	connect_both(&a, &b);
	for (int i = 0; i < 8; i++) {
		cleanup_json json_t *j = json_object();

		check(!wire_send(&a, j, fds, WIRE_FDS_MAX, &err));
	}
	while (wire_fill(&b, &err) > 0)
		;
	check(b.n_fds == WIRE_FDS_QUEUED);
	wire_release(&a);
	wire_release(&b);
	check(open_fds() == before);
}

TEST(what_is_not_a_frame)
{
	static char deep[4 * WIRE_DEPTH_MAX];

	refused("", 0, "not a JSON object");
	refused("[]", 2, "another type");
	refused("7", 1, "not a JSON object");
	refused("{\"a\":1", 6, "not a JSON object");
	refused("{} x", 4, "not a JSON object");
	refused("{\"a\":1,\"a\":2}", 13, "duplicate");
	refused("{\"a\":\"\xff\"}", 9, "not a JSON object");
	refused("{\"a\":\"\0\"}", 9, "not a JSON object");
	refused("{\"a\\u0000b\":1}", 14, "not a JSON object");
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	refused(deep, sizeof(deep), "too deep");
}

TEST(depth_is_counted_outside_of_texts)
{
	char frame[3 * WIRE_DEPTH_MAX + 32];
	struct wire a, b;
	size_t n = 0;

	connect_both(&a, &b);
	n += (size_t)sprintf(frame, "{\"a\\\"\":\"");
	memset(frame + n, '[', 2 * WIRE_DEPTH_MAX);
	n += 2 * WIRE_DEPTH_MAX;
	n += (size_t)sprintf(frame + n, "\"}");
	send_text(&a, frame, n);
	/* as deep as may be */
	n = (size_t)sprintf(frame, "{\"a\":");
	memset(frame + n, '[', WIRE_DEPTH_MAX - 1);
	memset(frame + n + WIRE_DEPTH_MAX - 1, ']', WIRE_DEPTH_MAX - 1);
	n += 2 * WIRE_DEPTH_MAX - 2;
	frame[n++] = '}';
	send_text(&a, frame, n);
	check(wire_fill(&b, &err) == 1);
	json_decref(next(&b));
	json_decref(next(&b));
	wire_release(&a);
	wire_release(&b);
}

TEST(nul_inside_a_text_is_kept)
{
	struct wire a, b;

	connect_both(&a, &b);
	send_text(&a, "{\"a\":\"x\\u0000y\"}", 16);
	check(wire_fill(&b, &err) == 1);
	cleanup_json json_t *j = next(&b);

	check(json_string_length(json_object_get(j, "a")) == 3);
	wire_release(&a);
	wire_release(&b);
}

TEST(a_length_that_is_too_large)
{
	static const uint32_t lens[] = { WIRE_FRAME_MAX + 1, UINT32_MAX, 0x80000000 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct wire a, b;
		json_t *j;

		connect_both(&a, &b);
		check(write(a.fd, &lens[i], 4) == 4 && wire_fill(&b, &err) == 1);
		check(wire_next(&b, &j, &err) == -1 && err.code == ERR_PROTOCOL);
		wire_release(&a);
		wire_release(&b);
	}
}

/* A frame whose JSON has n bytes; as a flow from a to b. */
static int pass(size_t n)
{
	struct wire a, b;
	char *text = malloc(n);
	json_t *j, *got = NULL;
	int r;

	connect_both(&a, &b);
	memset(text, 'x', n);
	j = json_pack("{s:s#}", "a", text, (int)(n - strlen("{\"a\":\"\"}")));
	free(text);
	r = wire_send(&a, j, NULL, 0, &err);
	while (!r && !got) {
		check(wire_flush(&a, &err) >= 0);
		check(wire_fill(&b, &err) >= 0);
		check(wire_next(&b, &got, &err) >= 0);
	}
	check(r < 0 || json_equal(j, got));
	json_decref(got);
	json_decref(j);
	wire_release(&a);
	wire_release(&b);
	return r;
}

TEST(the_largest_frame)
{
	check(pass(WIRE_FRAME_MAX - 1) == 0);
	check(pass(WIRE_FRAME_MAX) == 0);
	check(pass(WIRE_FRAME_MAX + 1) == -1);
	check(err.code == ERR_LIMIT && strstr(err.msg, "larger than"));
}

TEST(who_does_not_read_is_given_up)
{
	struct wire a, b;
	char *text = calloc(1, 8 << 20);
	json_t *j;
	int r = 0, n = 0;

	memset(text, 'x', (8 << 20) - 1);
	j = json_pack("{s:s}", "a", text);
	free(text);
	connect_both(&a, &b);
	while (n < 20 && !(r = wire_send(&a, j, NULL, 0, &err)))
		n++;
	check(r == -1 && err.code == ERR_LIMIT && n == 8);
	check(wire_pending(&a));
	/* what was queued still arrives */
	for (int got = 0; got < n;) {
		json_t *f;

		check(wire_flush(&a, &err) >= 0);
		check(wire_fill(&b, &err) >= 0);
		if (wire_next(&b, &f, &err) == 1) {
			check(json_equal(f, j));
			json_decref(f);
			got++;
		}
	}
	check(wire_flush(&a, &err) == 1 && !a.out_bytes);
	json_decref(j);
	wire_release(&a);
	wire_release(&b);
}

TEST(closed_in_the_middle)
{
	struct wire a, b;
	json_t *j;

	connect_both(&a, &b);
	check(write(a.fd, "\x10\0\0\0{\"a\"", 8) == 8);
	wire_release(&a);
	check(a.fd == -1);
	check(wire_fill(&b, &err) == 1 && wire_next(&b, &j, &err) == 0);
	check(wire_fill(&b, &err) == -1 && err.code == ERR_UNAVAILABLE);
	cleanup_json json_t *frame = json_object();

	check(wire_send(&b, frame, NULL, 0, &err) == -1 && err.code == ERR_UNAVAILABLE);
	wire_release(&b);
	wire_release(&b);
}

TEST(errors_travel)
{
	struct error from = { 0 }, to = { 0 };

	err_hint((err_set(&from, ERR_NOT_FOUND, "no '%s'", "x\xc3\xa4"), &from), "see %s",
		 "y");
	cleanup_json json_t *j = wire_error(&from);

	wire_to_error(j, &to);
	check(to.code == ERR_NOT_FOUND);
	check_str(to.msg, from.msg);
	check_str(to.hint, "see y");
	wire_to_error(NULL, &to);
	check(to.code == ERR_PROTOCOL && to.msg[0]);
	cleanup_json json_t *odd = json_pack("{s:i,s:[]}", "code", 7, "message");

	wire_to_error(odd, &to);
	check(to.code == ERR_PROTOCOL && to.msg[0]);
}

/* A message that was cut inside a character, or names a file with odd bytes. */
TEST(an_error_that_is_not_utf8_travels_too)
{
	static const char *const texts[] = {"a\xc3", "\xff\xfe", "x\xe2\x82 y",
					    "\xed\xa0\x80"};
	struct wire a, b;

	connect_both(&a, &b);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct error from = { 0 }, to = { 0 };
		cleanup_json json_t *frame = NULL;
		cleanup_json json_t *got = NULL;

		err_hint((err_set(&from, ERR_DENIED, "open '%s'", texts[i]), &from), "%s",
			 texts[i]);
		frame = json_pack("{s:i,s:o}", "id", 1, "error", wire_error(&from));
		check(!wire_send(&a, frame, NULL, 0, &err));
		check(wire_fill(&b, &err) == 1);
		got = next(&b);
		wire_to_error(json_object_get(got, "error"), &to);
		check(to.code == ERR_DENIED && !strncmp(to.msg, "open '", 6) &&
		      to.hint[0]);
	}
	wire_release(&a);
	wire_release(&b);
}

TEST_MAIN;
