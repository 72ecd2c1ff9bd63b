#ifndef FAAS_CMD_QUICK_TEXT_H
#define FAAS_CMD_QUICK_TEXT_H

/*
 * What cmd/quick.c has in place of libc, on x86-64: system calls, which return
 * -errno, and text in a buffer. Loops that a compiler would turn into a call of
 * libc's memcpy() or strlen() are written so that it does not.
 */

#include <stdbool.h>
#include <stddef.h>

/* ---- the kernel ---- */

static inline long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define CALL(nr, a, b, c, d) \
	call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* ---- text ---- */

static inline size_t length(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
		/* or the compiler calls strlen(), which is not there yet */
		__asm__ volatile("" : "+r"(n));
	}
	return n;
}

static inline void copy(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static inline void clear(void *to, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

static inline bool begins(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

static inline bool same(const char *a, const char *b)
{
	return begins(a, b) && !a[length(b)];
}

struct text {
	char *p;
	size_t len, size;
	bool bad;			/* it did not fit */
};

static inline void add(struct text *t, const char *s, size_t n)
{
	if (t->bad || n >= t->size - t->len) {
		t->bad = true;
		return;
	}
	copy(t->p + t->len, s, n);
	t->len += n;
	t->p[t->len] = '\0';
}

static inline void adds(struct text *t, const char *s)
{
	add(t, s, length(s));
}

/* As JSON; what is not plain ASCII is for the ordinary program. */
static inline void add_word(struct text *t, const char *s)
{
	adds(t, "\"");
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			t->bad = true;
		if (*s == '"' || *s == '\\')
			adds(t, "\\");
		add(t, s, 1);
	}
	adds(t, "\"");
}

#endif
