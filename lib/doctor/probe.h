#ifndef FAAS_DOCTOR_PROBE_H
#define FAAS_DOCTOR_PROBE_H

/*
 * Probes
 * ======
 *
 * A probe is a function that tries one thing and says what it found:
 *
 *	void probe_openat2(struct probe *p)
 *	{
 *		if (sys_openat2(...) < 0)
 *			return probe_sys(p, errno, "openat2");
 *		probe_say(p, DOCTOR_OK, "RESOLVE_BENEATH and RESOLVE_IN_ROOT");
 *	}
 *
 * It runs in a child of its own that is killed after PROBE_DEADLINE_MS, so it
 * may enter namespaces, mount, lower limits and drop its identity without
 * undoing any of it. What outlives a process (a folder, a cgroup) is named by
 * probe_name() and removed by the row's undo function, which runs in the parent
 * whether or not the probe got that far.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/macro.h"
#include "lib/doctor/doctor.h"

enum { PROBE_DEADLINE_MS = 1500 };

struct probe {
	const char *state_dir;	/* where the state lives or would live */
	pid_t runner;		/* who asked; part of the names of what is made */
	enum doctor_verdict verdict;
	char detail[200];
	char fix[240];		/* instead of the one in the table, or "" */
	char made[600];		/* a cgroup for undo_cgroup() to remove, or "" */
	char enabled[600];	/* a cgroup where a controller was switched on, or "" */
	const char *controller;	/* that one; a constant */
};

struct check {
	const char *name;
	const char *group;
	void (*probe)(struct probe *p);
	void (*undo)(struct probe *p);	/* or NULL; must bear "nothing was done" */
	const char *effect;
	const char *fix;
};

extern const struct check checks[];	/* ends with a row without a name */

void probe_say(struct probe *p, enum doctor_verdict v, const char *fmt, ...)
	_printf_(3, 4);
void probe_fix(struct probe *p, const char *fmt, ...) _printf_(2, 3);
/* missing, with "what: strerror" */
void probe_sys(struct probe *p, int errnum, const char *what);
/* "faas-doctor-<pid of the runner>" */
enum { PROBE_NAME = 40 };
const char *probe_name(const struct probe *p, char buf[PROBE_NAME]);

/* The first line (at most size - 1 bytes) of a file; -1 with errno. */
int probe_read(const char *path, char *buf, size_t size);
/* Writes text with one write(); -1 with errno. */
int probe_write(const char *path, const char *text);
/* Does this process have the capability (CAP_...) in effect? */
bool probe_capable(unsigned int cap);

#endif
