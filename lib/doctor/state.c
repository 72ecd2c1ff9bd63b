#include "lib/doctor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/doctor/checks.h"

const char *state_default(char buf[STATE_PATH])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (!geteuid())
		(void)snprintf(buf, STATE_PATH, "/var/lib/faas");
	else if (state && *state == '/')
		(void)snprintf(buf, STATE_PATH, "%s/faas", state);
	else
		(void)snprintf(buf, STATE_PATH, "%s/.local/state/faas",
			       home && *home == '/' ? home : "/");
	return buf;
}

const char *state_existing(const char *path, char buf[STATE_PATH])
{
	struct stat st;
	char *slash;

	(void)snprintf(buf, STATE_PATH, "%s", path);
	while (stat(buf, &st) < 0 || !S_ISDIR(st.st_mode)) {
		slash = strrchr(buf, '/');
		if (!slash || slash == buf) {
			(void)snprintf(buf, STATE_PATH, "%s", slash ? "/" : ".");
			break;
		}
		*slash = '\0';
	}
	return buf;
}

static const struct {
	unsigned long magic;
	const char *name;
} types[] = {
	{ 0xef53, "ext4" }, { 0x58465342, "xfs" }, { 0x9123683e, "btrfs" },
	{ 0x01021994, "tmpfs" }, { 0x794c7630, "overlay" }, { 0x6969, "nfs" },
	{ 0x2fc12fc1, "zfs" }, { 0x65735546, "fuse" }, { 0xf2f52010, "f2fs" },
	{ 0xca451a4e, "bcachefs" }, { 0x01021997, "9p" },
};

static const char *type_of(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs) == 0)
		for (size_t i = 0; i < ARRAY_SIZE(types); i++)
			if ((unsigned long)fs.f_type == types[i].magic)
				return types[i].name;
	return "another file system";
}

/* A file without a name: nothing to remove. */
static int nameless(const char *dir)
{
	return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Where O_TMPFILE is not known: a folder, gone again at once. */
static int make_and_remove(struct probe *p, const char *dir)
{
	char path[STATE_PATH + PROBE_NAME + 1], name[PROBE_NAME];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, probe_name(p, name));
	return mkdir(path, 0700) < 0 ? -1 : rmdir(path);
}

void probe_state_directory(struct probe *p)
{
	char buf[STATE_PATH];
	const char *dir = state_existing(p->state_dir, buf);
	cleanup_close int fd = nameless(dir);
	bool there = !strcmp(dir, p->state_dir);

	if (fd < 0 && make_and_remove(p, dir) < 0) {
		probe_say(p, DOCTOR_MISSING, "cannot write in '%.100s': %s", dir,
			  strerror(errno));
		probe_fix(p, "choose another with FAAS_STATE_DIR, or: install -d -m 0700 -o %u "
			  "'%.120s'", (unsigned int)geteuid(), p->state_dir);
		return;
	}
	probe_say(p, DOCTOR_OK, "'%.120s'%s is writable, on %s", dir,
		  there ? "" : ", where it will be made,", type_of(dir));
}

void probe_state_space(struct probe *p)
{
	const uint64_t few = 1ULL << 30;
	char buf[STATE_PATH], size[FORMAT_SIZE];
	struct statvfs st;
	uint64_t space;

	if (statvfs(state_existing(p->state_dir, buf), &st) < 0)
		return probe_sys(p, errno, "statvfs");
	space = (uint64_t)st.f_bavail * st.f_frsize;
	if (st.f_files && st.f_favail < 10000)
		return probe_say(p, DOCTOR_DEGRADED, "only %llu files can be made",
				 (unsigned long long)st.f_favail);
	probe_say(p, space < few ? DOCTOR_DEGRADED : DOCTOR_OK, "%s free",
		  format_size(size, space));
}

void probe_state_exec(struct probe *p)
{
	char buf[STATE_PATH];
	struct statvfs st;

	if (statvfs(state_existing(p->state_dir, buf), &st) < 0)
		return probe_sys(p, errno, "statvfs");
	if (st.f_flag & ST_NOEXEC)
		return probe_say(p, DOCTOR_MISSING, "mounted noexec");
	if (st.f_flag & ST_NOSUID)
		return probe_say(p, DOCTOR_DEGRADED, "mounted nosuid: set-user-ID "
				 "programs of an environment have no effect");
	probe_say(p, DOCTOR_OK, "programs kept there can run");
}

void probe_reflink(struct probe *p)
{
	char buf[STATE_PATH];
	const char *dir = state_existing(p->state_dir, buf);
	cleanup_close int from = nameless(dir);
	cleanup_close int to = nameless(dir);

	if (from < 0 || to < 0)
		return probe_sys(p, errno, "make files");
	if (write(from, "faas", 4) != 4)
		return probe_sys(p, errno, "write a file");
	if (ioctl(to, FICLONE, from) < 0)
		return probe_say(p, DOCTOR_DEGRADED, "%s copies bytes instead",
				 type_of(dir));
	probe_say(p, DOCTOR_OK, "files are copied by reference");
}

void probe_fuse(struct probe *p)
{
	cleanup_close int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return probe_sys(p, errno, "open /dev/fuse");
	probe_say(p, DOCTOR_OK, "/dev/fuse opens");
}
