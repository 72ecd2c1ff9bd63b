#ifndef FAAS_BASE_LOGFILE_H
#define FAAS_BASE_LOGFILE_H

/*
 * The log of a run on disk: two files of records in a folder of its own, `old`
 * and then `new`. A record is this header and len bytes as the program wrote
 * them. Sequence numbers start at 0 and have no gaps but those that the cap made.
 */

#include <stdint.h>

#define LOG_MAGIC	0x4c66

struct log_record {
	uint16_t magic;
	uint16_t stream;	/* 1 stdout (or a terminal), 2 stderr */
	uint32_t len;
	uint64_t seq;
	uint64_t time_ms;	/* Unix time when the monitor read it */
};

#endif
