#ifndef FAAS_STATEHELPER_PACK_H
#define FAAS_STATEHELPER_PACK_H

/*
 * A tar (pax, by libarchive) compressed by zstd in several threads, written as it is made.
 */

#include "lib/statehelper/walk.h"

struct pack;

/* fd stays the caller's, and may be a pipe. */
int pack_open(int fd, int level, int threads, struct pack **ret, struct error *err) _must_check_;
void pack_free(struct pack *p);
DEFINE_CLEANUP(struct pack *, pack_free);

/* A file of that content. */
int pack_text(struct pack *p, const char *name, const void *data, size_t len, struct error *err)
	_must_check_;
/* An entry of a layer, below prefix: then pack_data() for a file with content. */
int pack_entry(struct pack *p, const char *prefix, const struct walk_entry *e, struct error *err)
	_must_check_;
/* In order; what is left out is zeros. */
int pack_data(struct pack *p, uint64_t at, const void *data, size_t len, struct error *err)
	_must_check_;
int pack_end(struct pack *p, struct error *err) _must_check_;

uint64_t pack_bytes_in(const struct pack *p);
uint64_t pack_bytes_out(const struct pack *p);

#endif
