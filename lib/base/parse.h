#ifndef FAAS_BASE_PARSE_H
#define FAAS_BASE_PARSE_H

/*
 * Text to values and back
 * =======================
 *
 * The only places that read numbers, sizes and times from text. Each takes
 * the whole string, returns 0 or a negative errno (-EINVAL: not of that form,
 * -ERANGE: too large for the type) and writes *ret only on success.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/macro.h"

/* Decimal digits only: "17". */
int parse_u64(const char *s, uint64_t *ret) _must_check_;
/* Octal digits only, up to 07777: "0644". */
int parse_mode(const char *s, unsigned int *ret) _must_check_;
/* Milliseconds, from "250ms", "30s", "5m", "2h", "1d", "1h30m" or a plain number
 * of seconds, which may have a fraction: "1.5". */
int parse_ms(const char *s, uint64_t *ret) _must_check_;
/* Bytes, from "4096", "64K", "64KiB", "1.5G": powers of 1024, case ignored. */
int parse_size(const char *s, uint64_t *ret) _must_check_;
/* Thousandths of a CPU, from "0.5", "2". */
int parse_cpus(const char *s, uint64_t *ret_millis) _must_check_;

/*
 * Names of objects: 1 to 128 of [a-z A-Z 0-9 . _ -], with ':' and '/' inside
 * where a registry reference needs them, first one alphanumeric and no "..".
 * Returns 0 or -EINVAL.
 */
int parse_name(const char *s) _must_check_;

/* "1.5G", "64K", "17": the shortest of at most three significant digits. */
enum { FORMAT_SIZE = 24 };
char *format_size(char buf[FORMAT_SIZE], uint64_t bytes);
/* "1.2ms", "3.4s", "5m06s", "2h03m" */
char *format_us(char buf[FORMAT_SIZE], uint64_t us);
/* RFC 3339 in UTC with milliseconds: "2026-11-21T01:54:00.123Z" */
enum { FORMAT_TIME = 32 };
char *format_time(char buf[FORMAT_TIME], uint64_t unix_ms);

#endif
