#include "lib/oci/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
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
#define SANITIZED 0	/* a sanitizer needs terabytes of address space, and /proc */
#endif

enum { MEMORY_LIMIT = 1 << 30 };

#define READS	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
		 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
		 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
		 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
		 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)
#endif

/* Names and certificates. What is not there is not needed. */
static const char *const readable[] = {
	"/usr", "/lib", "/lib64", "/etc/ssl", "/etc/pki", "/etc/ca-certificates",
	"/etc/crypto-policies", "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
	"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/localtime",
	"/etc/ld.so.cache", "/run/systemd/resolve", "/run/resolvconf", "/run/nscd",
	"/var/run/nscd", "/var/lib/sss", "/dev/urandom", "/dev/null",
};

static int allow(int rules, int fd, __u64 access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };

	return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void allow_path(int rules, const char *path)
{
	cleanup_close int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	/* a file has no entries to read */
	if (allow(rules, fd, READS) < 0 && allow(rules, fd, LANDLOCK_ACCESS_FS_READ_FILE) < 0)
		errno = 0;
}

/* Only folders need a rule: what is open already stays so. */
static bool is_folder(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where there is no Landlock, there is one wall less. */
static int limit_files(int blobs, int source, int output, struct error *err)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = READS | WRITES | LANDLOCK_ACCESS_FS_EXECUTE,
	};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	cleanup_close int rules = -1;

	if (version < 1)
		return 0;
	/* before version 2, no file may change its folder at all, and blobs do */
	if (version < 2)
		return 0;
	attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return err_sys(err, errno, "make rules for files");
	if ((blobs >= 0 &&
	     allow(rules, blobs, attr.handled_access_fs & ~LANDLOCK_ACCESS_FS_EXECUTE) < 0) ||
	    (is_folder(source) && allow(rules, source, READS) < 0) ||
	    (is_folder(output) &&
	     allow(rules, output, attr.handled_access_fs & ~LANDLOCK_ACCESS_FS_EXECUTE) < 0))
		return err_sys(err, errno, "make rules for files");
	for (size_t i = 0; i < ARRAY_SIZE(readable); i++)
		allow_path(rules, readable[i]);
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(err, errno, "keep the rules for files");
	return 0;
}

/* Root without capabilities still owns the store. */
static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
			return err_sys(err, errno, "drop capabilities");
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(err, errno, "drop capabilities");
	return 0;
}

int oci_confine(int blobs, int source, int output, struct error *err)
{
	const struct rlimit memory = { MEMORY_LIMIT, MEMORY_LIMIT }, none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "set no_new_privs");
	(void)setrlimit(RLIMIT_CORE, &none);
	if (SANITIZED)
		return 0;
	if (setrlimit(RLIMIT_AS, &memory) < 0)
		errno = 0;	/* a lower limit is there already */
	/* a folder that a user gave may be one that root reads by its capabilities alone */
	if (!is_folder(source) && drop_capabilities(err) < 0)
		return -1;
	return limit_files(blobs, source, output, err);
}
