#ifndef FAAS_HELPER_HELPER_H
#define FAAS_HELPER_HELPER_H

/*
 * A helper program that says what it does
 * =======================================
 *
 * faas-archive and faas-oci do the work that the executor must not do itself. They get
 * descriptors, and write JSON lines to a pipe: {"progress":{...}} any number of times,
 * then one line with "ok", which is checked against how the program ended.
 *
 *	helper_open(&h, "faas-oci", err)	makes the pipe
 *	helper_start(&h, NULL, argv, fds, n, err)
 *	when h.fd is readable:	helper_read(&h), until it returns true
 *	then:			helper_result(&h, err), and h.last is the last line
 *	helper_release(&h)	kills it if it still runs
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"

struct helper {
	const char *program;
	pid_t pid;		/* 0 when it has been waited for */
	int fd;			/* what it says, or -1 */
	int write_fd;		/* its end, until it is started */
	struct strbuf line;
	json_t *last;		/* the line with "ok", or NULL */
	bool broken;		/* it sent what is not ours */
	void (*progress)(void *data, const json_t *progress);	/* or NULL */
	void *data;
};

/* Beside this program as it was built, or where it is installed. */
int helper_path(const char *program, char path[4096], struct error *err) _must_check_;
/* What variables a helper gets: none of ours. */
char *const *helper_environment(void);
/* Starts it with these descriptors (-1 is left out) and nothing else. */
int helper_spawn(pid_t *ret_pid, const char *path, char *const argv[], const int fds[],
		 size_t n, struct error *err) _must_check_;

int helper_open(struct helper *h, const char *program, struct error *err) _must_check_;
/* path NULL: helper_path(). The status descriptor, h->write_fd, goes along. */
int helper_start(struct helper *h, const char *path, char *const argv[], const int fds[],
		 size_t n, struct error *err) _must_check_;
/* Takes in what has arrived; true when there is no more. */
bool helper_read(struct helper *h);
/* Waits for it, which has ended or is about to. */
int helper_result(struct helper *h, struct error *err) _must_check_;
void helper_release(struct helper *h);

/* A number of a line, 0 when there is none. */
uint64_t helper_u64(const json_t *object, const char *key);

#endif
