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
 * A point at which nothing can fail, only the process die, is (void)fault("...").
 * Use the others beside the call that can fail, so both take the same path out:
 *
 *	if ((r = fault("snapshot.rename")) || (r = rename_at(...)))
 *		return err_sys(err, r, "publish '%s'", name);
 */

#ifdef FAAS_FAULTS
int fault(const char *point);
#else
static inline int fault(const char *point)
{
	(void)point;
	return 0;
}
#endif

#endif
