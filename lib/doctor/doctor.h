#ifndef FAAS_DOCTOR_DOCTOR_H
#define FAAS_DOCTOR_DOCTOR_H

/*
 * What this host can and cannot do
 * ================================
 *
 * A check is one property of the host, found out by trying it: a namespace is
 * entered, an overlay is mounted, a cgroup is made. Each check runs in a child
 * process with a deadline, changes nothing outside it and cleans up after
 * itself, so any number of them can be asked for at any time, by any user, with
 * or without an executor:
 *
 *	static void show(const struct doctor_check_result *r, void *arg);
 *
 *	const char *const names[] = { "overlayfs", "cgroup2-memory", NULL };
 *	struct doctor_request req = { .checks = names };
 *
 *	if (doctor_run(&req, show, NULL, err) < 0)
 *		return -1;
 *
 * A feature is something that faas offers, with the checks that it rests on. Its
 * name is what `faas doctor FEATURE` takes and never changes. Needs are joined by
 * "and"; a need of the form "a|b" is met by either:
 *
 *	f = doctor_feature_find("limits.memory");
 *	doctor_feature_judge(f, results, n, &judged);
 *
 * A need is met by a check that is ok or degraded. What could not be found out
 * (unknown) is not promised.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_DEGRADED,	/* works, with the restriction in detail */
	DOCTOR_MISSING,
	DOCTOR_UNKNOWN,		/* could not be tried; detail says why */
};

struct doctor_request {
	const char *const *checks;	/* names, NULL-ended; NULL for all */
	const char *state_dir;		/* NULL for the default of this user */
};

struct doctor_check_result {
	const char *name;	/* "overlayfs"; never changes */
	const char *group;	/* "kernel", "cgroup", "network", "program", "state" */
	enum doctor_verdict verdict;
	char detail[200];	/* what was found, or the reason; never empty */
	const char *effect;	/* what does not work when it is missing */
	char fix[240];		/* what to type or to ask for */
	uint64_t us;		/* how long it took */
};

enum { DOCTOR_NEEDS_MAX = 16 };

struct doctor_feature {
	const char *name;
	const char *summary;
	const char *needs[DOCTOR_NEEDS_MAX];	/* NULL-ended */
};

struct doctor_feature_result {
	bool usable;
	const char *missing[DOCTOR_NEEDS_MAX];	/* needs not met, NULL-ended */
	bool degraded;		/* usable, but a check it rests on is degraded */
};

/* In the order they are shown; the last has no name. */
extern const struct doctor_feature doctor_features[];

/*
 * Tries each check asked for and hands every result to each(), in the table's
 * order. Fails only for an unknown name (ERR_USAGE) or when no child can be made.
 */
int doctor_run(const struct doctor_request *req,
	       void (*each)(const struct doctor_check_result *r, void *arg),
	       void *arg, struct error *err);

/* The table: how many checks, and the name of each. */
size_t doctor_count(void);
const char *doctor_check_name(size_t i);
const char *doctor_verdict_name(enum doctor_verdict v);

/* NULL if there is none; then doctor_feature_nearest() may know what was meant. */
const struct doctor_feature *doctor_feature_find(const char *name);
const char *doctor_feature_nearest(const char *name);
bool doctor_feature_needs(const struct doctor_feature *f, const char *check);
void doctor_feature_judge(const struct doctor_feature *f,
			  const struct doctor_check_result *results, size_t n,
			  struct doctor_feature_result *ret);

/* Is word one of the alternatives of need ("a|b")? */
bool doctor_need_names(const char *need, const char *word);

#endif
