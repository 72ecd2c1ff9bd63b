#ifndef FAAS_BASE_FAULT_H
#define FAAS_BASE_FAULT_H

/*
 * Named failure points
 * ====================
 *
 * fault("snapshot.rename") is 0 in production and compiles to nothing. In a
 * FAULTS=1 build it returns an errno when FAAS_FAULT asks for that point:
 *
 *	FAAS_FAULT=snapshot.rename=ENOSPC	every time
 *	FAAS_FAULT=snapshot.rename=ENOSPC@2	the second time only
 *	FAAS_FAULT=snapshot.rename=KILL		the process dies there, as by kill -9
 *	FAAS_FAULT=@7				the seventh point passed, EIO
 *	FAAS_FAULT_LOG=file			append each point as it is passed
 *
 * Calls of the system and of malloc(3) can fail too, by their number and whoever makes them:
 *
 *	FAAS_FAULT_CALL=fsync=EIO@3		the third fsync(2) of each process
 *	FAAS_FAULT_CALL=faas-executor:fsync=EIO@3	of programs of that name (argv[0]) only
 *	FAAS_FAULT_CALL=malloc=ENOMEM@9+	the ninth and all that follow
 *	FAAS_FAULT_CALL=write=SHORT@2		writes half of it
 *	FAAS_FAULT_CALL=rename=KILL@1		dies there
 *	FAAS_FAULT_CALL=@file			what that file says at the moment
 *	FAAS_FAULT_CLOCK=file			the wall's clock is off by the seconds in it
 *
 * FAAS_FAULT_LOG has a line "call.fsync" when one fails. Which calls: fault-call.c, and
 * FAULT_CALLS in the Makefile.
 *
 * A point at which nothing can fail, only the process die, is (void)fault("...").
 * Use the others beside the call that can fail, so both take the same path out:
 *
 *	if ((r = fault("snapshot.rename")) || (r = rename_at(...)))
 *		return err_sys(err, r, "publish '%s'", name);
 */

#ifdef FAAS_FAULTS
#include <stddef.h>

int fault(const char *point);
/* The errno of that name; EIO when it is none. */
int fault_errno(const char *name, size_t len);
#else
static inline int fault(const char *point)
{
	(void)point;
	return 0;
}
#endif

#endif
