#include "lib/state/resolve.h"

#include <string.h>

#include "lib/base/macro.h"

static const char *const strategies[] = {
#define X(id, name) [MERGE_##id] = name,
	MERGE_STRATEGIES(X)
#undef X
};

static const char *const conflicts[] = {
#define X(id, name) [CONFLICT_##id] = name,
	MERGE_CONFLICTS(X)
#undef X
};

const char *merge_conflict_name(enum merge_conflict conflict)
{
	return conflicts[conflict];
}

const char *merge_strategy_name(enum merge_strategy strategy)
{
	return strategies[strategy];
}

int merge_markers_by_name(const char *name)
{
	static const char *const names[MARKERS__MAX] = {
#define X(id, name) [MARKERS_##id] = name,
		MERGE_MARKERS(X)
#undef X
	};

	for (int i = 0; i < MARKERS__MAX; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

int merge_strategy_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++)
		if (!strcmp(name, strategies[i]))
			return (int)i;
	return strcmp(name, "three_way") ? -1 : MERGE_THREE_WAY;
}

static bool there(const struct merge_input *in, enum merge_from side)
{
	return in->st[side].st_mode != 0;
}

static mode_t type(const struct merge_input *in, enum merge_from side)
{
	return in->st[side].st_mode & S_IFMT;
}

static enum merge_from newer(const struct merge_input *in)
{
	const struct timespec *ours = &in->st[FROM_OURS].st_mtim;
	const struct timespec *theirs = &in->st[FROM_THEIRS].st_mtim;

	if (ours->tv_sec != theirs->tv_sec)
		return ours->tv_sec > theirs->tv_sec ? FROM_OURS : FROM_THEIRS;
	return ours->tv_nsec >= theirs->tv_nsec ? FROM_OURS : FROM_THEIRS;
}

/* Of a conflict: which side the strategy takes, or the conflict stays. */
static void settle(enum merge_strategy strategy, const struct merge_input *in,
		   enum merge_conflict conflict, enum merge_from *from,
		   enum merge_conflict *ret)
{
	switch (strategy) {
	case MERGE_OURS:
		*from = FROM_OURS;
		return;
	case MERGE_THEIRS:
		*from = FROM_THEIRS;
		return;
	case MERGE_INTERSECTION:
		*from = FROM_BASE;
		return;
	case MERGE_LATEST:
		/* what was deleted has no time */
		*from = !there(in, FROM_OURS) ? FROM_THEIRS : !there(in, FROM_THEIRS) ? FROM_OURS
			: newer(in);
		return;
	case MERGE_UNION:
		if (conflict == CONFLICT_DELETED) {
			*from = there(in, FROM_OURS) ? FROM_OURS : FROM_THEIRS;
			return;
		}
		break;
	default:
		break;
	}
	if (!*ret)
		*ret = conflict;
}

/* Both changed it, and not alike. */
static void decide_conflict(enum merge_strategy strategy, const struct merge_input *in,
			    struct merge_choice *ret)
{
	enum merge_conflict conflict = CONFLICT_TYPE;
	bool files = S_ISREG(type(in, FROM_OURS)) && S_ISREG(type(in, FROM_THEIRS));
	bool from_file = S_ISREG(type(in, FROM_BASE));

	if (!there(in, FROM_OURS) || !there(in, FROM_THEIRS))
		conflict = CONFLICT_DELETED;
	else if (!there(in, FROM_BASE))
		conflict = CONFLICT_ADDED;
	else if (files)
		conflict = from_file ? CONFLICT_CONTENT : CONFLICT_ADDED;
	else if (type(in, FROM_OURS) == type(in, FROM_THEIRS))
		conflict = CONFLICT_LINK;
	ret->content = FROM_OURS;
	settle(strategy, in, conflict, &ret->content, &ret->conflict);
	/* without a common text there are no lines to tell apart, only to put together */
	if (files && strategy != MERGE_INTERSECTION && (from_file || strategy == MERGE_UNION)) {
		ret->if_not = ret->content;
		ret->content = FROM_TEXT;
		ret->text_conflict = ret->conflict;
		ret->conflict = CONFLICT_NONE;
	}
}

static void decide_content(enum merge_strategy strategy, const struct merge_input *in,
			   struct merge_choice *ret)
{
	ret->content = FROM_OURS;
	if (in->ours_theirs)
		return;
	if (!in->base_ours && !in->base_theirs) {
		decide_conflict(strategy, in, ret);
		return;
	}
	/* one side alone changed it */
	ret->content = in->base_ours ? FROM_THEIRS : FROM_OURS;
	if (strategy == MERGE_INTERSECTION || (strategy == MERGE_UNION && !there(in, ret->content)))
		ret->content = in->base_ours ? FROM_OURS : FROM_BASE;
}

/* Mode or owner, of which `same` tells whether two sides agree. */
static enum merge_from decide_field(enum merge_strategy strategy, const struct merge_input *in,
				    bool (*same)(const struct stat *a, const struct stat *b),
				    enum merge_conflict conflict, enum merge_conflict *ret)
{
	const struct stat *base = &in->st[FROM_BASE], *ours = &in->st[FROM_OURS];
	const struct stat *theirs = &in->st[FROM_THEIRS];
	enum merge_from from = FROM_OURS;

	if (same(ours, theirs))
		return FROM_OURS;
	if (there(in, FROM_BASE) && strategy == MERGE_INTERSECTION)
		return FROM_BASE;
	if (there(in, FROM_BASE) && same(base, theirs))
		return FROM_OURS;
	if (there(in, FROM_BASE) && same(base, ours))
		return FROM_THEIRS;
	settle(strategy, in, conflict, &from, ret);
	return from;
}

static bool same_mode(const struct stat *a, const struct stat *b)
{
	return (a->st_mode & 07777) == (b->st_mode & 07777);
}

static bool same_owner(const struct stat *a, const struct stat *b)
{
	return a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

struct merge_choice merge_decide(enum merge_strategy strategy, const struct merge_input *in)
{
	struct merge_choice ret = { .conflict = CONFLICT_NONE };
	enum merge_from whole;

	decide_content(strategy, in, &ret);
	whole = ret.content == FROM_TEXT ? FROM_OURS : ret.content;
	ret.present = there(in, whole);
	ret.mode = ret.owner = whole;
	if (!ret.present || !there(in, FROM_OURS) || !there(in, FROM_THEIRS))
		goto one;
	/* a link of theirs does not get the mode of a file of ours */
	if (type(in, FROM_OURS) != type(in, FROM_THEIRS) && !in->base_ours && !in->base_theirs)
		return ret;
	ret.mode = decide_field(strategy, in, same_mode, CONFLICT_MODE, &ret.conflict);
	ret.owner = decide_field(strategy, in, same_owner, CONFLICT_OWNER, &ret.conflict);
	/* added by both, and not alike in all: nothing that both did */
	if (strategy == MERGE_INTERSECTION && !there(in, FROM_BASE) &&
	    (ret.mode == FROM_BASE || ret.owner == FROM_BASE))
		ret = (struct merge_choice){ .content = FROM_BASE };
	return ret;
one:
	/* deleted by one, and by the other only its mode or owner changed */
	if (there(in, FROM_BASE) && !ret.conflict &&
	    there(in, FROM_OURS) != there(in, FROM_THEIRS)) {
		enum merge_from kept = there(in, FROM_OURS) ? FROM_OURS : FROM_THEIRS;

		if (same_mode(&in->st[FROM_BASE], &in->st[kept]) &&
		    same_owner(&in->st[FROM_BASE], &in->st[kept]))
			return ret;
		ret.content = FROM_OURS;
		settle(strategy, in, CONFLICT_DELETED, &ret.content, &ret.conflict);
		ret.present = there(in, ret.content);
		ret.mode = ret.owner = ret.content;
	}
	return ret;
}
