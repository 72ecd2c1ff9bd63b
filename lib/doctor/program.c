#include "lib/doctor/program.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"

enum { PATH = 512 };

static int find_in(const char *dirs, const char *name, char *path, size_t size)
{
	while (dirs && *dirs) {
		size_t len = strcspn(dirs, ":");
		int n = snprintf(path, size, "%.*s/%s", (int)len, dirs, name);

		if (len && n > 0 && (size_t)n < size && access(path, X_OK) == 0)
			return 0;
		dirs += len + (dirs[len] == ':');
	}
	return -1;
}

int program_find(const char *name, char *path, size_t size)
{
	if (find_in(getenv("PATH"), name, path, size) == 0)
		return 0;
	return find_in("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", name,
		       path, size);
}

int program_version(const char *text, struct program_version *ret)
{
	struct program_version v = { 0 };

	for (; *text; text++)
		if (isdigit((unsigned char)*text)) {
			if (sscanf(text, "%5u.%5u", &v.major, &v.minor) == 2) {
				*ret = v;
				return 0;
			}
			while (isdigit((unsigned char)text[1]))
				text++;
		}
	return -1;
}

/* Its version line, for people; false and a verdict when it does not run. */
static bool first_line(struct probe *p, const char *name, const char *flag, char *buf,
		       size_t size)
{
	char path[PATH];
	const char *argv[] = { path, flag, NULL };

	if (program_find(name, path, sizeof(path)) < 0) {
		probe_say(p, DOCTOR_MISSING, "not installed");
		return false;
	}
	(void)child_output(argv, buf, size);
	return true;
}

void probe_slirp4netns(struct probe *p)
{
	char text[512];
	struct program_version v;

	if (!first_line(p, "slirp4netns", "--version", text, sizeof(text)))
		return;
	if (program_version(text, &v) < 0)
		return probe_say(p, DOCTOR_MISSING, "does not run: %.*s",
				 (int)strcspn(text, "\n"), text);
	probe_say(p, v.major ? DOCTOR_OK : DOCTOR_DEGRADED, "version %u.%u%s", v.major,
		  v.minor, v.major ? "" : ": --disable-host-loopback needs 1.0");
}

/* What criu itself says of this kernel, as this user. */
static void criu_check(struct probe *p, const struct program_version *v)
{
	char path[PATH], text[2048];
	const char *root[] = { path, "check", NULL };
	const char *user[] = { path, "check", "--unprivileged", NULL };
	char *last, *end;

	(void)program_find("criu", path, sizeof(path));
	if (child_output(geteuid() ? user : root, text, sizeof(text)) == 0)
		return probe_say(p, DOCTOR_OK, "version %u.%u, 'criu check' is content",
				 v->major, v->minor);
	end = text + strlen(text);
	while (end > text && end[-1] == '\n')
		*--end = '\0';
	last = strrchr(text, '\n');
	probe_say(p, DOCTOR_MISSING, "version %u.%u, 'criu check': %s", v->major, v->minor,
		  last ? last + 1 : text);
}

void probe_criu(struct probe *p)
{
	char text[512];
	struct program_version v;
	struct utsname host;

	if (!first_line(p, "criu", "--version", text, sizeof(text)))
		return;
	if (program_version(text, &v) < 0)
		return probe_say(p, DOCTOR_UNKNOWN, "'criu --version' names no version");
	if (v.major > 4 || (v.major == 4 && v.minor >= 1))
		return criu_check(p, &v);
	(void)uname(&host);
	probe_say(p, DOCTOR_MISSING, "version %u.%u, needs 4.1%s%s", v.major, v.minor,
		  v.major < 4 ? "; 3.x fails on newer kernels, this is " : "",
		  v.major < 4 ? host.release : "");
}

void probe_sshd(struct probe *p)
{
	char path[PATH];

	if (program_find("sshd", path, sizeof(path)) < 0)
		return probe_say(p, DOCTOR_MISSING, "not installed");
	probe_say(p, DOCTOR_OK, "%s", path);
}
