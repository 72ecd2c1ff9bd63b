#ifndef FAAS_DOCTOR_PROGRAM_H
#define FAAS_DOCTOR_PROGRAM_H

#include <stddef.h>

/* Looks in PATH, then where system programs are; 0, or -1 if there is none. */
int program_find(const char *name, char *path, size_t size);

struct program_version {
	unsigned int major, minor;
};

/*
 * The first "N.N" in what a program said: "criu: Version: 4.1.1" is 4.1. Returns
 * 0, or -1 when there is none.
 */
int program_version(const char *text, struct program_version *ret);

#endif
