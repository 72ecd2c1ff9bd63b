#include "lib/base/parse.h"

#include <errno.h>

#include "tests/unit/test.h"

TEST(numbers)
{
	uint64_t n = 7;

	check(!parse_u64("0", &n) && n == 0);
	check(!parse_u64("18446744073709551615", &n) && n == UINT64_MAX);
	check(parse_u64("18446744073709551616", &n) == -ERANGE);
	check(parse_u64("", &n) == -EINVAL);
	check(parse_u64("-1", &n) == -EINVAL);
	check(parse_u64(" 1", &n) == -EINVAL);
	check(parse_u64("1x", &n) == -EINVAL);
	check(n == UINT64_MAX);
}

TEST(times)
{
	uint64_t ms = 7;

	check(!parse_ms("250ms", &ms) && ms == 250);
	check(!parse_ms("30s", &ms) && ms == 30000);
	check(!parse_ms("30", &ms) && ms == 30000);
	check(!parse_ms("1.5", &ms) && ms == 1500);
	check(!parse_ms("0.25s", &ms) && ms == 250);
	check(!parse_ms("1h30m", &ms) && ms == 5400000);
	check(!parse_ms("1d", &ms) && ms == 86400000);
	check(parse_ms("1m30", &ms) == -EINVAL);
	check(parse_ms("5x", &ms) == -EINVAL);
	check(parse_ms("s", &ms) == -EINVAL);
	check(parse_ms("", &ms) == -EINVAL);
	check(parse_ms("1.", &ms) == -EINVAL);
	check(parse_ms("99999999999999999999s", &ms) == -ERANGE);
	check(parse_ms("999999999999999999d", &ms) == -ERANGE);
	check(ms == 86400000);
}

TEST(sizes)
{
	uint64_t n = 7;

	check(!parse_size("4096", &n) && n == 4096);
	check(!parse_size("64K", &n) && n == 65536);
	check(!parse_size("64kib", &n) && n == 65536);
	check(!parse_size("1.5G", &n) && n == 1610612736);
	check(!parse_size("10B", &n) && n == 10);
	check(!parse_size("8E", &n) && n == 1ull << 63);
	check(parse_size("16E", &n) == -ERANGE);
	check(parse_size("1KK", &n) == -EINVAL);
	check(parse_size("-1K", &n) == -EINVAL);
	check(parse_size("K", &n) == -EINVAL);
}

TEST(cpus)
{
	uint64_t n;

	check(!parse_cpus("2", &n) && n == 2000);
	check(!parse_cpus("0.5", &n) && n == 500);
	check(!parse_cpus("0.001", &n) && n == 1);
	check(parse_cpus("0.0001", &n) == -EINVAL);
	check(parse_size("0.1", &n) == -EINVAL);
	check(parse_ms("0.0001s", &n) == -EINVAL);
	check(!parse_ms("1.0001s", &n) && n == 1000);
	check(parse_cpus("two", &n) == -EINVAL);
}

TEST(modes)
{
	unsigned int m;

	check(!parse_mode("0755", &m) && m == 0755);
	check(parse_mode("0800", &m) == -EINVAL);
	check(parse_mode("17777", &m) == -ERANGE);
	check(parse_mode("", &m) == -EINVAL);
}

TEST(names)
{
	char big[131];

	check(!parse_name("python:3.12"));
	check(!parse_name("registry/alpine-fast"));
	check(parse_name("") == -EINVAL);
	check(parse_name("../x") == -EINVAL);
	check(parse_name("a/../b") == -EINVAL);
	check(parse_name("-x") == -EINVAL);
	check(parse_name("a b") == -EINVAL);
	check(parse_name("a\nb") == -EINVAL);
	check(parse_name("a/") == -EINVAL);
	memset(big, 'a', 130);
	big[130] = '\0';
	check(parse_name(big) == -EINVAL);
	big[128] = '\0';
	check(!parse_name(big));
}

TEST(formats)
{
	char b[FORMAT_SIZE], t[FORMAT_TIME];

	check_str(format_size(b, 17), "17");
	check_str(format_size(b, 1536), "1.5K");
	check_str(format_size(b, 10ull << 30), "10G");
	check_str(format_size(b, UINT64_MAX), "15E");
	check_str(format_us(b, 850), "850us");
	check_str(format_us(b, 1250), "1.2ms");
	check_str(format_us(b, 3450000), "3.45s");
	check_str(format_us(b, 306000000), "5m06s");
	check_str(format_us(b, 7380000000), "2h03m");
	check_str(format_time(t, 1795226040123), "2026-11-21T01:54:00.123Z");
}

TEST_MAIN;
