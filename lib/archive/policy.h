#ifndef FAAS_ARCHIVE_POLICY_H
#define FAAS_ARCHIVE_POLICY_H

/*
 * What may be unpacked
 * ====================
 *
 * One pure function decides about every entry, from an archive or from a
 * folder, before anything is done with it:
 *
 *	struct policy_entry e = { ENTRY_SYMLINK, "etc/mtab", "../proc/mounts" };
 *	if (policy_decide(&e, &limits, &verdict, err) < 0)
 *		return -1;
 *
 * Written: regular files, directories, symbolic links and hard links, with the
 * permission bits and, on directories, the sticky bit. Skipped and counted:
 * devices under dev/ (exported containers have them), whiteouts, and with
 * skip_special every special file. Refused: everything else, and names that are
 * absolute, contain "..", or are too long or too deep.
 *
 * A symbolic link is stored as it is. A relative one may not climb above the
 * root, judged by its text; an absolute one is meant to be seen from inside the
 * new root and may not climb above it either. Nothing here ever follows one.
 *
 * Of an exported snapshot (limits->snapshot) only the manifest, its signature and what is
 * below layers/N/u or layers/N/u.NAME is written, but with whiteouts and FIFOs. Symbolic
 * links in a layer are what a sandbox left, and are seen from inside of one only: they are stored as
 * they are. Hard links stay in their layer.
 *
 * Names are bytes: no case, no encoding and no Unicode form is assumed.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

enum entry_type {
	ENTRY_FILE,
	ENTRY_DIR,
	ENTRY_SYMLINK,
	ENTRY_HARDLINK,
	ENTRY_DEVICE,
	ENTRY_FIFO,
	ENTRY_SOCKET,
	ENTRY_WHITEOUT,		/* a character device 0,0: overlay's sign of what is gone */
	ENTRY_OTHER,
};

/* What is left out, by the name it has in the report. */
#define SKIPS(X)			\
	X(DEVICE,	"device")	\
	X(FIFO,		"fifo")		\
	X(SOCKET,	"socket")	\
	X(WHITEOUT,	"whiteout")	\
	X(MOUNT,	"mount")

#define STRIPS(X)			\
	X(SETUID,	"setuid")	\
	X(SETGID,	"setgid")	\
	X(XATTR,	"xattr")	\
	X(ACL,		"acl")		\
	X(FLAGS,	"flags")	\
	X(OWNER,	"owner")

enum skip {
#define X(id, name) SKIP_##id,
	SKIPS(X)
#undef X
	SKIP__MAX,
};

enum strip {
#define X(id, name) STRIP_##id,
	STRIPS(X)
#undef X
	STRIP__MAX,
};

enum {
	POLICY_NAME_MAX = 255,
	POLICY_PATH_MAX = 4095,
};
#define POLICY_SIZE_MAX	(INT64_C(1) << 40)	/* of one file, holes included */

struct policy_entry {
	enum entry_type type;
	const char *path;
	const char *link;	/* of links: the target; otherwise NULL */
	unsigned int mode;
	int64_t size;		/* bytes of content that come with it */
};

struct policy_limits {
	unsigned int max_depth;	/* components in a path */
	bool skip_special;
	bool layer;		/* whiteouts take away what is below, and are not skipped */
	bool snapshot;		/* an exported one; see below */
};

enum policy_action {
	POLICY_WRITE,
	POLICY_ROOT,		/* "." itself: only its attributes count */
	POLICY_SKIP,
	POLICY_WHITEOUT,	/* of a layer: path is to be gone */
	POLICY_OPAQUE,		/* of a layer: so is all that is in the folder path */
};

struct policy_verdict {
	enum policy_action action;
	enum skip skip;			/* of POLICY_SKIP */
	unsigned int stripped;		/* 1 << STRIP_x of the mode bits dropped */
	unsigned int mode;		/* what to give it */
	char path[POLICY_PATH_MAX + 1];	/* a/b/c: no empty, "." or ".." component */
	char link[POLICY_PATH_MAX + 1];	/* of a hard link the same; else as it was */
};

#define POLICY_MANIFEST		"faas-snapshot.json"
#define POLICY_SIGNATURE	"faas-snapshot.sig"
/* Not from the archive: the names of opaque folders, each with a NUL. */
#define POLICY_OPAQUE_LIST	"opaque"

int policy_decide(const struct policy_entry *e, const struct policy_limits *limits,
		  struct policy_verdict *ret, struct error *err) _must_check_;

#endif
