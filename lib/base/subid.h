#ifndef FAAS_BASE_SUBID_H
#define FAAS_BASE_SUBID_H

/*
 * The ids that /etc/subuid and /etc/subgid give a user who is not root: further users
 * for the programs newuidmap and newgidmap to put into a namespace of that user's.
 */

#include <stdint.h>

struct subids {
	uint32_t uid, gid;	/* the first of each */
	uint32_t uids, gids;	/* how many there are; 0: none */
};

/* Lines "NAME:FIRST:COUNT", a number as name, too; the largest range counts. */
void subid_find(const char *text, const char *name, uint32_t uid, uint32_t *ret_first,
		uint32_t *ret_count);
/* The name of that uid in lines of /etc/passwd, at most size - 1 bytes, or "". */
void subid_user(const char *text, uint32_t uid, char *ret, uint32_t size);

/* Of this machine, for user uid. What cannot be read gives nothing. */
struct subids subid_read(uint32_t uid);

#endif
