#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/checks.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

enum { HUGE = 2 << 20 };

static const uint64_t wp_async = 1 << 15;	/* UFFD_FEATURE_WP_ASYNC */

/* PAGEMAP_SCAN of linux/fs.h, from Linux 6.7 */
struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN	_IOWR('f', 16, struct scan)

static char *pages(size_t size)
{
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

void probe_memfd(struct probe *p)
{
	cleanup_close int fd = memfd_create("faas-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return probe_sys(p, errno, "memfd_create");
	if (write(fd, "faas", 4) != 4 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return probe_sys(p, errno, "seal a memfd");
	if (write(fd, "x", 1) >= 0)
		return probe_say(p, DOCTOR_MISSING, "a seal has no effect");
	probe_say(p, DOCTOR_OK, "with seals");
}

void probe_userfaultfd(struct probe *p)
{
	struct uffdio_api api = { .api = UFFD_API };
	cleanup_close int all = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	cleanup_close int own = -1;

	if (all < 0)
		own = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (all < 0 && own < 0)
		return probe_sys(p, errno, "userfaultfd");
	if (ioctl(all >= 0 ? all : own, UFFDIO_API, &api) < 0)
		return probe_sys(p, errno, "UFFDIO_API");
	if (!(api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP))
		return probe_say(p, DOCTOR_DEGRADED, "no write protection");
	if (all < 0) {
		probe_fix(p, "sysctl -w vm.unprivileged_userfaultfd=1");
		return probe_say(p, DOCTOR_DEGRADED, "faults in user mode only");
	}
	probe_say(p, DOCTOR_OK, "write protection%s",
		  api.features & wp_async ? ", also asynchronous" : "");
}

static bool soft_dirty(int pagemap, const char *page)
{
	uint64_t entry = 0;
	off_t at = (off_t)((uintptr_t)page / (uintptr_t)sysconf(_SC_PAGESIZE) * 8);

	return pread(pagemap, &entry, sizeof(entry), at) == sizeof(entry) &&
	       (entry >> 55 & 1);
}

void probe_soft_dirty(struct probe *p)
{
	cleanup_close int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	char *m = pages(4096);

	if (pagemap < 0 || !m)
		return probe_sys(p, errno, "open /proc/self/pagemap");
	*m = 1;
	if (probe_write("/proc/self/clear_refs", "4") < 0)
		return probe_sys(p, errno, "clear the soft-dirty bits");
	if (soft_dirty(pagemap, m))
		return probe_say(p, DOCTOR_MISSING, "the bit cannot be cleared");
	*m = 2;
	if (!soft_dirty(pagemap, m))
		return probe_say(p, DOCTOR_MISSING, "a write does not set the bit "
				 "(CONFIG_MEM_SOFT_DIRTY is off)");
	probe_say(p, DOCTOR_OK, "writes since a snapshot are known");
}

void probe_pagemap_scan(struct probe *p)
{
	cleanup_close int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	char *m = pages(4096);
	uint64_t vec[3] = { 0 };
	struct scan s = {
		.size = sizeof(s), .start = (uintptr_t)m, .end = (uintptr_t)m + 4096,
		.vec = (uintptr_t)vec, .vec_len = 1, .category_mask = 1 << 3,
		.return_mask = 1 << 3,
	};

	if (pagemap < 0 || !m)
		return probe_sys(p, errno, "open /proc/self/pagemap");
	*m = 1;
	if (ioctl(pagemap, SCAN, &s) != 1)
		return probe_sys(p, errno, "PAGEMAP_SCAN");
	probe_say(p, DOCTOR_OK, "written pages are found in one call");
}

/* How much of our memory is in huge pages, in KiB. */
static unsigned long huge_kib(void)
{
	char line[256];
	unsigned long kib = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	if (f)
		(void)fclose(f);
	return kib;
}

void probe_thp(struct probe *p)
{
	char mode[64] = "not in this kernel";
	char *m = pages(2 * HUGE);
	uintptr_t start;

	(void)probe_read("/sys/kernel/mm/transparent_hugepage/enabled", mode, sizeof(mode));
	if (!m || madvise(m, 2 * HUGE, MADV_HUGEPAGE) < 0)
		return probe_sys(p, errno, "madvise(MADV_HUGEPAGE)");
	start = ((uintptr_t)m + HUGE - 1) / HUGE * HUGE;
	memset((void *)start, 1, HUGE);
	if (!huge_kib())
		return probe_say(p, strstr(mode, "[never]") ? DOCTOR_MISSING
			: DOCTOR_DEGRADED, "no huge page was given (%s)", mode);
	probe_say(p, DOCTOR_OK, "%s", mode);
}

void probe_ksm(struct probe *p)
{
	char run[16] = "";
	char *m = pages(4096);

	if (!m || madvise(m, 4096, MADV_MERGEABLE) < 0)
		return probe_sys(p, errno, "madvise(MADV_MERGEABLE)");
	(void)probe_read("/sys/kernel/mm/ksm/run", run, sizeof(run));
	if (run[0] != '1')
		return probe_say(p, DOCTOR_DEGRADED, "built in, switched off");
	probe_say(p, DOCTOR_OK, "running");
}
