#ifndef FAAS_TESTS_EXECUTOR_PROBE_H
#define FAAS_TESTS_EXECUTOR_PROBE_H

#include <errno.h>
#include <stdbool.h>

#define UNUSED __attribute__((unused))

/* One thing to try: 0 when it worked, or an errno. */
struct probe {
	const char *name;
	int (*run)(const char *arg);
	const char *arg;
};

/* Each table ends with a row without a name. */
extern const struct probe probes_namespace[], probes_kernel[], probes_file[];

/* Was anything but 0, 1 and 2 open when we started? */
extern bool inherited;

static inline int result(long r)
{
	return r < 0 ? errno : 0;
}

#endif
