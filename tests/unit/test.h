#ifndef FAAS_TESTS_UNIT_TEST_H
#define FAAS_TESTS_UNIT_TEST_H

/*
 * TEST(name) { ... } registers itself; main() comes from TEST_MAIN. One file
 * per file under lib/: lib/base/error.c is tested by test-base-error.c.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: %s: check(%s)\n",	\
				__FILE__, __LINE__, __func__, #cond);	\
			abort();					\
		}							\
	} while (0)

#define check_str(a, b)							\
	do {								\
		const char *a_ = (a), *b_ = (b);			\
		if (strcmp(a_, b_)) {					\
			fprintf(stderr, "%s:%d: %s: %s is '%s', not '%s'\n", \
				__FILE__, __LINE__, __func__, #a, a_, b_); \
			abort();					\
		}							\
	} while (0)

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

static struct test *tests;

#define TEST(n)								\
	static void test_##n(void);					\
	__attribute__((constructor)) static void register_##n(void)	\
	{								\
		static struct test t = { #n, test_##n, NULL };		\
		t.next = tests;						\
		tests = &t;						\
	}								\
	static void test_##n(void)

/* TAP: a plan, then a line for each test; one that fails ends the program. */
#define TEST_MAIN							\
	int main(void)							\
	{								\
		int n = 0;						\
									\
		for (struct test *t = tests; t; t = t->next)		\
			n++;						\
		printf("1..%d\n", n);					\
		n = 0;							\
		for (struct test *t = tests; t; t = t->next) {		\
			fflush(stdout);					\
			t->run();					\
			printf("ok %d %s\n", ++n, t->name);		\
		}							\
		return 0;						\
	}								\
	struct swallow_semicolon

#endif
