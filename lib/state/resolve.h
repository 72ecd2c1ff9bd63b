#ifndef FAAS_STATE_RESOLVE_H
#define FAAS_STATE_RESOLVE_H

/*
 * Three states of one path, and what a merge makes of them: a pure function. What the
 * strategies mean is in faas-merge(1); the two say the same.
 */

#include <stdbool.h>
#include <sys/stat.h>

/*	 strategy	name */
#define MERGE_STRATEGIES(X)		\
	X(THREE_WAY,	"three-way")	\
	X(UNION,	"union")	\
	X(INTERSECTION,	"intersection")	\
	X(LATEST,	"latest")	\
	X(OURS,		"ours")		\
	X(THEIRS,	"theirs")

enum merge_strategy {
#define X(id, name) MERGE_##id,
	MERGE_STRATEGIES(X)
#undef X
	MERGE__MAX
};

/*	 conflict	name */
#define MERGE_CONFLICTS(X)		\
	X(NONE,		"none")		\
	X(CONTENT,	"content")	/* text, changed at the same lines */	\
	X(BINARY,	"binary")	/* what is not text, changed by both */	\
	X(ADDED,	"added")	/* by both, and different */		\
	X(DELETED,	"deleted")	/* by one, and changed by the other */	\
	X(TYPE,		"type")		/* a file here, a folder or a link there */ \
	X(LINK,		"link")		/* links that lead elsewhere */		\
	X(MODE,		"mode")		\
	X(OWNER,	"owner")

enum merge_conflict {
#define X(id, name) CONFLICT_##id,
	MERGE_CONFLICTS(X)
#undef X
	CONFLICT__MAX
};

const char *merge_conflict_name(enum merge_conflict conflict);
/* -1 for a name that is none; "three_way" is one, too. */
int merge_strategy_by_name(const char *name);
const char *merge_strategy_name(enum merge_strategy strategy);

/* What becomes of lines that both changed, where the strategy leaves that open. */
#define MERGE_MARKERS(X)	\
	X(NONE,		"none")		/* they are a conflict, and nothing is changed */ \
	X(MERGE,	"merge")	/* both sides, between marks, as git has them */ \
	X(DIFF3,	"diff3")	/* and the base */

enum merge_markers {
#define X(id, name) MARKERS_##id,
	MERGE_MARKERS(X)
#undef X
	MARKERS__MAX
};

/* -1 for a name that is none. */
int merge_markers_by_name(const char *name);

enum merge_from { FROM_BASE, FROM_OURS, FROM_THEIRS, FROM_TEXT };

struct merge_input {
	/* by enum merge_from: mode, owner and time of each; st_mode 0: it is not there */
	struct stat st[3];
	/* is it made of the same, whatever mode and owner? Both absent is the same. */
	bool base_ours, base_theirs, ours_theirs;
};

struct merge_choice {
	bool present;			/* in the result */
	enum merge_from content;	/* FROM_TEXT: line by line, if that can be done, ... */
	enum merge_from if_not;		/* ... and this if not, ... */
	enum merge_conflict text_conflict;	/* ... but for this, unless it is NONE */
	enum merge_from mode, owner;
	enum merge_conflict conflict;	/* NONE, or why there is no result */
	enum merge_conflict marked;	/* NONE, or the conflict that its lines have marks of */
};

struct merge_choice merge_decide(enum merge_strategy strategy, const struct merge_input *in);

#endif
