#ifndef FAAS_SPAWNER_SHOWN_H
#define FAAS_SPAWNER_SHOWN_H

/* What a sandbox of environment `host` sees of the machine. */

#include <stdbool.h>
#include <string.h>

/* Top-level folders. */
static inline bool host_shows(const char *name)
{
	static const char *const shown[] = {
		"bin", "sbin", "usr", "etc", "opt", "nix", "gnu", NULL
	};

	if (!strncmp(name, "lib", 3))
		return true;
	for (const char *const *s = shown; *s; s++)
		if (!strcmp(name, *s))
			return true;
	return false;
}

/* Inside /etc: what only the host's own services should read; "ssl/private", too. */
static const char *const host_secrets[] = {
	"shadow", "shadow-", "gshadow", "gshadow-", "sudoers", "sudoers.d",
	"ssh", "fstab", "crypttab", "krb5.keytab", "NetworkManager", "wireguard",
	"kubernetes", "docker", "letsencrypt", "machine-id", "mtab", NULL
};

/* Empty folders of its own in place of the machine's, parents first. */
static const struct host_folder {
	const char *name;
	unsigned int mode;
} host_folders[] = {
	{ "dev", 0755 }, { "proc", 0555 }, { "sys", 0555 }, { "run", 0755 },
	{ "run/lock", 01777 }, { "tmp", 01777 }, { "home", 0755 }, { "root", 0700 },
	{ "mnt", 0755 }, { "srv", 0755 }, { "work", 0755 }, { "var", 0755 },
	{ "var/cache", 0755 }, { "var/lib", 0755 }, { "var/log", 0755 },
	{ "var/spool", 0755 }, { "var/tmp", 01777 }, { "etc", 0755 }, { NULL, 0 }
};

#endif
