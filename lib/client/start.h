#ifndef FAAS_CLIENT_START_H
#define FAAS_CLIENT_START_H

#include "lib/base/error.h"

/*
 * Where the program faas is, for a process that is it: "/proc/self/exe". Say so
 * before the first connection, when there is one thread. Any other process goes by
 * FAAS_PROGRAM, then where libfaas was installed, then PATH; FAAS_PROGRAM wins always.
 */
void client_set_program(const char *path);
/* Finds it: into buf, or ERR_UNAVAILABLE. */
int client_find_program(char *buf, size_t size, struct error *err) _must_check_;

/*
 * Starts faas as an executor in the background, and returns when it
 * takes requests. Another client that does the same at once is no error: one of
 * the two executors gets the lock, and both clients reach it. Its own failure to
 * start (a corrupt database, say) is the error here.
 */
int client_start_executor(const char *state_dir, struct error *err) _must_check_;

#endif
