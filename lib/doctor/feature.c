#include "lib/doctor/doctor.h"

#include <string.h>

const struct doctor_feature doctor_features[] = {
	{ "execute", "run a command in a sandbox, as this user",
	  { "clone3", "user-namespace", "mount-namespace", "pid-namespace",
	    "ipc-namespace", "uts-namespace", "net-namespace", "mount-api",
	    "overlayfs|overlayfs-user", "proc-mount", "pidfd", "close-range", "openat2",
	    "seccomp", "state-directory" } },
	{ "rootless", "the same as an ordinary user",
	  { "clone3", "rootless-userns", "overlayfs-user", "proc-mount", "mount-api",
	    "pidfd", "seccomp" } },
	{ "rootless-users", "users besides root in a sandbox of an ordinary user",
	  { "rootless-userns", "subordinate-ids" } },
	{ "limits.memory", "memory limit of a sandbox",
	  { "cgroup2-memory|cgroup1-memory" } },
	{ "limits.cpu", "CPU limit of a sandbox", { "cgroup2-cpu|cgroup1-cpu" } },
	{ "limits.pids", "limit on processes", { "cgroup2-pids|cgroup1-pids" } },
	{ "limits.io", "limit on disk bandwidth", { "cgroup2-io|cgroup1-blkio" } },
	{ "pause", "freeze and thaw a sandbox", { "cgroup2-freeze|cgroup1-freezer" } },
	{ "network.nat", "network that reaches out, without a bridge",
	  { "net-namespace", "user-namespace", "tun", "slirp4netns" } },
	{ "disk-quota", "limit on what a sandbox may write", { "tmpfs-size" } },
	{ "checkpoint", "keep processes and files as a snapshot",
	  { "criu", "ptrace", "set-tid", "cgroup2-freeze|cgroup1-freezer",
	    "state-directory", "memfd" } },
	{ "live-branch", "branch a running sandbox, memory included",
	  { "user-namespace", "pid-namespace", "set-tid", "ptrace",
	    "ptrace-suspend-seccomp", "pidfd", "pidfd-getfd", "memfd",
	    "overlayfs|overlayfs-user" } },
	{ "dirty-tracking", "memory snapshots that hold only what changed",
	  { "pagemap-scan|soft-dirty" } },
	{ "landlock", "a second wall around files and abstract sockets",
	  { "landlock", "landlock-scope" } },
	{ "ssh", "faas ssh into an instance", { "sshd" } },
	{ NULL, NULL, { NULL } },
};

bool doctor_need_names(const char *need, const char *word)
{
	size_t len = strlen(word);

	for (;;) {
		size_t n = strcspn(need, "|");

		if (n == len && !strncmp(need, word, n))
			return true;
		if (!need[n])
			return false;
		need += n + 1;
	}
}

const struct doctor_feature *doctor_feature_find(const char *name)
{
	for (const struct doctor_feature *f = doctor_features; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

enum { WORD = 32 };

/* How many letters must be added, taken away or changed; WORD for too long. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD + 1], la = strlen(a), lb = strlen(b);

	if (la >= WORD || lb >= WORD)
		return WORD;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *doctor_feature_nearest(const char *name)
{
	const char *best = NULL;
	size_t least = 4;

	for (const struct doctor_feature *f = doctor_features; f->name; f++) {
		const char *tail = strrchr(f->name, '.');
		size_t d = distance(name, f->name);

		if (tail && !strcmp(tail + 1, name))
			return f->name;
		if (d < least && d < strlen(f->name)) {
			least = d;
			best = f->name;
		}
	}
	return best;
}

bool doctor_feature_needs(const struct doctor_feature *f, const char *check)
{
	for (const char *const *n = f->needs; *n; n++)
		if (doctor_need_names(*n, check))
			return true;
	return false;
}

/* The best verdict among the alternatives of one need. */
static enum doctor_verdict best_of(const char *need,
				   const struct doctor_check_result *results, size_t n)
{
	enum doctor_verdict best = DOCTOR_UNKNOWN;

	for (size_t i = 0; i < n; i++)
		if (results[i].verdict < best && doctor_need_names(need, results[i].name))
			best = results[i].verdict;
	return best;
}

void doctor_feature_judge(const struct doctor_feature *f,
			  const struct doctor_check_result *results, size_t n,
			  struct doctor_feature_result *ret)
{
	size_t missing = 0;

	*ret = (struct doctor_feature_result){ 0 };
	for (const char *const *need = f->needs; *need; need++) {
		enum doctor_verdict v = best_of(*need, results, n);

		if (v > DOCTOR_DEGRADED)
			ret->missing[missing++] = *need;
		else if (v == DOCTOR_DEGRADED)
			ret->degraded = true;
	}
	ret->usable = !missing;
}
