/*
 * deny: runs a program for which one system call fails
 * =====================================================
 *
 *	deny CALL ERRNO PROGRAM [ARG]...
 *
 *	clone3			the call, whatever its arguments
 *	unshare:0&0x10000000	when all these bits of argument 0 are set
 *	seccomp:0=1		when argument 0 is that
 *
 * What it starts inherits it. A filter of one's own is the only way to make a call fail
 * that a program makes once, in whatever process of it, without changing the program.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(const char *what)
{
	(void)fprintf(stderr, "deny: %s\n", what);
	return 2;
}

static int number_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = { { "EPERM", EPERM }, { "ENOSYS", ENOSYS }, { "EINVAL", EINVAL },
		      { "ENOMEM", ENOMEM }, { "EAGAIN", EAGAIN }, { "ENOSPC", ENOSPC } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].number;
	return 0;
}

/* "NAME", "NAME:ARG&BITS" or "NAME:ARG=VALUE" */
static int add_rule(scmp_filter_ctx ctx, const char *text, int errnum)
{
	char name[64], how;
	struct scmp_arg_cmp cmp;
	unsigned long long value;
	unsigned int arg;
	int call, n = sscanf(text, "%63[a-z0-9_]:%u%c%lli", name, &arg, &how,
			     (long long *)&value);

	if (n != 1 && (n != 4 || arg > 5 || (how != '&' && how != '=')))
		return -EINVAL;
	call = seccomp_syscall_resolve_name(name);
	if (call == __NR_SCMP_ERROR)
		return -ENOENT;
	if (n == 1)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)errnum), call, 0);
	if (how == '=')
		cmp = (struct scmp_arg_cmp){ arg, SCMP_CMP_EQ, value, 0 };
	else
		cmp = (struct scmp_arg_cmp){ arg, SCMP_CMP_MASKED_EQ, value, value };
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)errnum), call, 1, cmp);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int errnum = argc < 4 ? 0 : number_of(argv[2]);

	if (!ctx || !errnum)
		return usage("CALL ERRNO PROGRAM [ARG]...");
	/* what has the privilege keeps it */
	if (!geteuid() && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) < 0)
		return usage("no filter without no_new_privs");
	if (add_rule(ctx, argv[1], errnum) < 0 || seccomp_load(ctx) < 0)
		return usage(argv[1]);
	seccomp_release(ctx);
	(void)execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
