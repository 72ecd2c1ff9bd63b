#include "lib/base/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits from *s and moves it behind them. */
static int digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;

	if (!digit(*p))
		return -EINVAL;
	for (; digit(*p); p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	*s = p;
	*ret = n;
	return 0;
}

/* A number with up to nine decimals, times unit: "1.5" of 1000 is 1500. */
static int scaled(const char **s, const char *decimals, uint64_t whole,
		  uint64_t unit, uint64_t *ret)
{
	uint64_t part = 0, scale = 1, n;

	(void)s;
	for (const char *p = decimals; p && digit(*p) && scale < 1000000000; p++) {
		part = part * 10 + (uint64_t)(*p - '0');
		scale *= 10;
	}
	if (__builtin_mul_overflow(whole, unit, &n))
		return -ERANGE;
	/* something that rounds to nothing would read as "no limit" */
	if (part && !n && (unsigned __int128)part * unit < scale)
		return -EINVAL;
	part = (uint64_t)((unsigned __int128)part * unit / scale);
	return __builtin_add_overflow(n, part, ret) ? -ERANGE : 0;
}

/* digits[.digits], leaving *s behind it. */
static int number(const char **s, uint64_t *whole, const char **decimals)
{
	int r = digits(s, whole);

	*decimals = NULL;
	if (r < 0 || **s != '.')
		return r;
	if (!digit((*s)[1]))
		return -EINVAL;
	*decimals = *s + 1;
	for ((*s)++; digit(**s);)
		(*s)++;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
	uint64_t n;
	int r = digits(&s, &n);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret = n;
	return 0;
}

int parse_mode(const char *s, unsigned int *ret)
{
	unsigned int n = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return -EINVAL;
		n = n * 8 + (unsigned int)(*s - '0');
		if (n > 07777)
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

int parse_ms(const char *s, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 },
	};
	uint64_t sum = 0;

	if (!*s)
		return -EINVAL;
	while (*s) {
		const char *decimals;
		uint64_t whole, unit = 1000, ms;
		size_t len;
		int r = number(&s, &whole, &decimals);

		if (r < 0)
			return r;
		len = strcspn(s, "0123456789");
		if (len) {
			unit = 0;
			for (size_t i = 0; i < ARRAY_SIZE(units); i++)
				if (strlen(units[i].suffix) == len &&
				    !strncmp(units[i].suffix, s, len))
					unit = units[i].ms;
			if (!unit)
				return -EINVAL;
		} else if (sum) {
			return -EINVAL;	/* "1m30": which unit? */
		}
		s += len;
		r = scaled(&s, decimals, whole, unit, &ms);
		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, ms, &sum))
			return -ERANGE;
	}
	*ret = sum;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char letters[] = "KMGTPE";
	const char *decimals;
	uint64_t whole, unit = 1;
	int r = number(&s, &whole, &decimals);

	if (r < 0)
		return r;
	if (*s) {
		char c = (char)(*s >= 'a' && *s <= 'z' ? *s - 32 : *s);
		const char *at = c == 'B' ? NULL : strchr(letters, c);

		if (at) {
			unit <<= 10 * (at - letters + 1);
			s++;
			if (!strcasecmp(s, "ib") || !strcasecmp(s, "b"))
				s += strlen(s);
		} else if (c == 'B') {
			s++;
		}
		if (*s)
			return -EINVAL;
	}
	return scaled(&s, decimals, whole, unit, ret);
}

int parse_cpus(const char *s, uint64_t *ret_millis)
{
	const char *decimals;
	uint64_t whole;
	int r = number(&s, &whole, &decimals);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	return scaled(&s, decimals, whole, 1000, ret_millis);
}

int parse_name(const char *s)
{
	size_t len = strlen(s);

	if (!len || len > 128 || strstr(s, "..") || s[len - 1] == '/')
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		bool alnum = digit(c) || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z');

		if (!alnum && (!i || !strchr("._-:/@", c)))
			return -EINVAL;
	}
	return 0;
}

char *format_size(char buf[FORMAT_SIZE], uint64_t bytes)
{
	static const char letters[] = "KMGTPE";
	uint64_t unit = 1;
	int i = -1;

	while (bytes / unit >= 1024 && i < 5) {
		unit <<= 10;
		i++;
	}
	if (i < 0)
		(void)snprintf(buf, FORMAT_SIZE, "%llu", (unsigned long long)bytes);
	else if (bytes / unit >= 10)
		(void)snprintf(buf, FORMAT_SIZE, "%llu%c",
			       (unsigned long long)(bytes / unit), letters[i]);
	else
		(void)snprintf(buf, FORMAT_SIZE, "%llu.%llu%c",
			       (unsigned long long)(bytes / unit),
			       (unsigned long long)(bytes % unit * 10 / unit),
			       letters[i]);
	return buf;
}

char *format_us(char buf[FORMAT_SIZE], uint64_t us)
{
	unsigned long long s = us / 1000000;

	if (us < 1000)
		(void)snprintf(buf, FORMAT_SIZE, "%lluus", (unsigned long long)us);
	else if (us < 1000000)
		(void)snprintf(buf, FORMAT_SIZE, "%llu.%llums",
			       (unsigned long long)us / 1000,
			       (unsigned long long)us % 1000 / 100);
	else if (s < 60)
		(void)snprintf(buf, FORMAT_SIZE, "%llu.%02llus", s,
			       (unsigned long long)us % 1000000 / 10000);
	else if (s < 3600)
		(void)snprintf(buf, FORMAT_SIZE, "%llum%02llus", s / 60, s % 60);
	else
		(void)snprintf(buf, FORMAT_SIZE, "%lluh%02llum", s / 3600,
			       s % 3600 / 60);
	return buf;
}

char *format_time(char buf[FORMAT_TIME], uint64_t unix_ms)
{
	time_t t = (time_t)(unix_ms / 1000);
	struct tm tm;
	size_t len;

	if (!gmtime_r(&t, &tm)) {
		buf[0] = '\0';
		return buf;
	}
	len = strftime(buf, FORMAT_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf + len, FORMAT_TIME - len, ".%03uZ",
		       (unsigned int)(unix_ms % 1000));
	return buf;
}
