#include "lib/statehelper/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0	/* a sanitizer needs terabytes of address space, and more calls */
#endif

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif

#define MEMORY_LIMIT	(4ULL << 30)	/* a million paths, and the lines of two files */
enum { CPU_LIMIT = 3600, FILES_LIMIT = 16384 };

static int limit(int what, rlim_t value, struct error *err)
{
	struct rlimit now, want;

	if (getrlimit(what, &now) < 0)
		return err_sys(err, errno, "read a limit");
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	want = (struct rlimit){ value, value };
	return setrlimit(what, &want) < 0 ? err_sys(err, errno, "set a limit") : 0;
}

static int write_text(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	return fd < 0 || write(fd, text, len) != (ssize_t)len ? -1 : 0;
}

/*
 * Root over one's own files, and over no others. Where the machine does not allow it,
 * what has no permissions cannot be read, and that is said then.
 */
static void map_ids(void)
{
	char uids[64], gids[64];

	(void)snprintf(uids, sizeof(uids), "%u %u 1\n", geteuid(), geteuid());
	(void)snprintf(gids, sizeof(gids), "%u %u 1\n", getegid(), getegid());
	if (unshare(CLONE_NEWUSER) < 0)
		return;
	(void)write_text("/proc/self/setgroups", "deny");
	(void)write_text("/proc/self/gid_map", gids);
	(void)write_text("/proc/self/uid_map", uids);
}

static int drop_capabilities(const struct confine *c, struct error *err)
{
	/* trusted.* is read and written with CAP_SYS_ADMIN */
	static const int reading[] = { CAP_DAC_OVERRIDE, CAP_SYS_ADMIN };
	static const int writing[] = { CAP_CHOWN, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } }, now[2] = { { 0 }, { 0 } };
	uint32_t keep = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reading); i++)
		keep |= 1U << reading[i];
	for (size_t i = 0; c->layers && i < ARRAY_SIZE(writing); i++)
		keep |= 1U << writing[i];
	if (syscall(SYS_capget, &head, now) < 0)
		return err_sys(err, errno, "drop capabilities");
	data[0].effective = data[0].permitted = keep & now[0].permitted;
	if (syscall(SYS_capset, &head, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "drop capabilities");
	return 0;
}

static int add_rule(int rules, int folder, uint64_t access, struct error *err)
{
	struct landlock_path_beneath_attr beneath = { access, folder };

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0
		? err_sys(err, errno, "restrict files with Landlock") : 0;
}

static int restrict_files(const struct confine *c, struct error *err)
{
	const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);
	uint64_t all = (1ULL << 13) - 1;
	struct landlock_ruleset_attr attr;
	cleanup_close int made_up = -1, rules = -1;

	/* not in this kernel, or not switched on */
	if (abi < 1)
		return 0;
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	attr = (struct landlock_ruleset_attr){ .handled_access_fs = all };
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return err_sys(err, errno, "restrict files with Landlock");
	for (int i = 0; i < c->n_read; i++)
		if (add_rule(rules, c->read[i], reading, err) < 0)
			return -1;
	/* stands for folders that every sandbox has (lib/state/view.c) */
	made_up = open("/proc/self/fdinfo", O_PATH | O_CLOEXEC);
	if (made_up >= 0 && add_rule(rules, made_up, LANDLOCK_ACCESS_FS_READ_DIR, err) < 0)
		return -1;
	if (c->write >= 0 && add_rule(rules, c->write, all & ~LANDLOCK_ACCESS_FS_EXECUTE, err) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(err, errno, "restrict files with Landlock");
	return 0;
}

int confine(const struct confine *c, struct error *err)
{
	if (geteuid())
		map_ids();
	if (!SANITIZED && limit(RLIMIT_AS, MEMORY_LIMIT, err) < 0)
		return -1;
	if (limit(RLIMIT_CORE, 0, err) < 0 || limit(RLIMIT_CPU, CPU_LIMIT, err) < 0 ||
	    limit(RLIMIT_NOFILE, FILES_LIMIT, err) < 0 || drop_capabilities(c, err) < 0 ||
	    restrict_files(c, err) < 0)
		return -1;
	(void)umask(0);
	return SANITIZED ? 0 : confine_calls(c->threads, err);
}

int confine_reading(bool threads, struct error *err)
{
	const struct confine c = { .read = { 3 }, .n_read = 1, .write = -1, .threads = threads };

	return confine(&c, err);
}
