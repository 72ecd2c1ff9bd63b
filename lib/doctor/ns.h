#ifndef FAAS_DOCTOR_NS_H
#define FAAS_DOCTOR_NS_H

/*
 * Ways into namespaces, for probes. None of them can be undone: the process
 * ends with the probe.
 */

#include <stdbool.h>

#include "lib/doctor/probe.h"

/*
 * unshare(flags) in a new user namespace where this user is root. Returns 0, or
 * -1 with the probe filled in: verdict, the reason (a sysctl, AppArmor, a limit)
 * and the fix for that reason.
 */
int ns_enter_user(struct probe *p, int flags);

/* unshare(flags): directly when privileged, in a user namespace otherwise. */
int ns_enter(struct probe *p, int flags);

/* The same for mounts: a mount namespace of which nothing leaves. */
int ns_enter_mount(struct probe *p);

/* If root: become an ordinary user (nobody), as far as a child can. */
int ns_become_ordinary(struct probe *p);

/* A process in a new user namespace without maps, for child_end(); or -1 and a verdict. */
pid_t ns_user_child(struct probe *p);

/* Descriptor of a user namespace that maps 0..65535 to 100000.., or -1. */
int ns_user_fd(struct probe *p);

#endif
