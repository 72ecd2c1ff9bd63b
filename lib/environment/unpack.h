#ifndef FAAS_ENVIRONMENT_UNPACK_H
#define FAAS_ENVIRONMENT_UNPACK_H

/*
 * A root file system from an archive or a folder
 * ==============================================
 *
 * Runs the helper faas-archive, which is confined to a new directory parent/name
 * and refuses what is hostile. When anything fails the directory is removed.
 *
 *	struct unpack_request req = {
 *		.parent_fd = store, .name = "env-17.tmp",
 *		.archive_fd = fd, .source_fd = -1,
 *	};
 *	struct unpack_result result;
 *
 *	if (environment_unpack(&req, &result, err) < 0)
 *		return err_wrap(err, "environment '%s'", name);
 *
 * In an event loop, without ever blocking for long:
 *
 *	unpack_start(&req, &u, err)
 *	when unpack_fd(u) is readable:	unpack_read(u), until it returns true
 *	then:				unpack_finish(u, &result, err)
 *	or to give up:			unpack_free(u), which kills it and cleans up
 *
 * A privileged caller must set as_reader for a folder that a client handed in, or
 * the client gets a copy of what only root may read. It needs uid_count.
 *
 * The request, its descriptors and strings must live until then. Nothing else may
 * reap the helper. The errors: ERR_USAGE for an archive that is refused or
 * damaged, ERR_LIMIT, ERR_UNSUPPORTED for a host without user namespaces.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { UNPACK_LAYERS = 128 };

struct unpack_request {
	int parent_fd;
	const char *name;	/* one component; must not exist yet */
	int archive_fd;		/* one of these two, the other -1; or both -1 and layers */
	int source_fd;
	const int *layer_fds;	/* archives of an image, the lowest first */
	size_t layers;
	bool cross_mounts;	/* of a folder: with what is mounted below it */
	bool as_reader;		/* of a folder: copy what this user may read, no more */
	uint32_t reader_uid, reader_gid;
	bool snapshot;		/* of an archive: an exported snapshot (lib/archive/policy.h) */
	bool skip_special;	/* leave out FIFOs, sockets and devices anywhere */
	uint32_t uid_base, uid_count;	/* 0, 0: everything belongs to the caller */
	uint64_t max_bytes, max_entries, max_ratio, max_depth;	/* 0: the default */
	const char *helper;	/* path of faas-archive; NULL: beside this program */
	void (*progress)(void *data, uint64_t bytes, uint64_t entries);
	void *data;
};

struct unpack_count {
	char name[16];		/* "device", "setuid": lib/archive/policy.h lists them */
	uint64_t n;
};

enum { UNPACK_COUNTS = 8 };

struct unpack_result {
	uint64_t entries, bytes;
	struct unpack_count skipped[UNPACK_COUNTS];	/* up to the first n == 0 */
	struct unpack_count stripped[UNPACK_COUNTS];
};

int environment_unpack(const struct unpack_request *req, struct unpack_result *ret,
		       struct error *err) _must_check_;

struct unpack;

int unpack_start(const struct unpack_request *req, struct unpack **ret,
		 struct error *err) _must_check_;
int unpack_fd(const struct unpack *u);
/* Takes in what has arrived and calls progress; true when there is no more. */
bool unpack_read(struct unpack *u);
/* Waits for the helper, which has ended or is about to; releases u. */
int unpack_finish(struct unpack *u, struct unpack_result *ret, struct error *err)
	_must_check_;
void unpack_free(struct unpack *u);
/* The same, but what it has made is left to the caller. */
void unpack_abandon(struct unpack *u);
DEFINE_CLEANUP(struct unpack *, unpack_free);

/*
 * Starts the removal of parent/name, a tree of any size, and does not wait for it.
 * unpack_reap() takes in the helpers that have ended, and says how many have not; call it
 * now and then.
 */
int unpack_remove(int parent_fd, const char *name, struct error *err) _must_check_;
int unpack_reap(void);

#endif
