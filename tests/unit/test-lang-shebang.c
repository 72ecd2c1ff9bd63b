#include "lib/lang/lang.h"

#include "tests/unit/test.h"

static const struct {
	const char *head, *want;
} rows[] = {
	{ "#!/usr/bin/python3\nprint()\n", "python" },
	{ "#!/usr/bin/env python3", "python" },
	{ "#!/usr/bin/env -S python3 -u\n", "python" },
	{ "#!/usr/bin/env -Spython3 -u\n", "python" },
	{ "#!/usr/bin/env -vS python3\n", "python" },
	{ "#!/usr/bin/env --split-string=python3 -u\n", "python" },
	{ "#!/usr/bin/env -i -u HOME A=1 B=2 ruby\n", "ruby" },
	{ "#!/usr/bin/env -S 'python3' -u\n", "python" },
	{ "#! /usr/bin/env  perl -w\n", "perl" },
	{ "#!/usr/bin/env python3\r\n", "python" },
	{ "#!/bin/sh -e\n", "bash" },
	{ "#!/opt/py/bin/python3.11\n", "python" },
	{ "#!/usr/bin/lua5.4\n", "lua" },
	{ "#!/usr/bin/guile-3.0 -s\n", "scheme" },
	{ "#!/usr/bin/tclsh8.6\n", "tcl" },
	{ "#!/usr/bin/wish\n", "tcl" },
	{ "#!/usr/bin/perl6\n", "raku" },
	{ "#!/usr/bin/perl5.36\n", "perl" },
	{ "#!/usr/bin/Rscript\n", "r" },
	{ "#!/usr/bin/env -S deno run\n", "deno" },
	{ "#!nodejs", "javascript" },
	{ "#!/usr/bin/awk -f\n", "awk" },
	{ "", "-" },
	{ "#", "-" },
	{ "#!", "-" },
	{ "#!\npython3\n", "-" },
	{ "#!/usr/bin/env\n", "-" },
	{ "#!/usr/bin/env -S\n", "-" },
	{ "#!/usr/bin/env -u\n", "-" },
	{ "#!/usr/bin/env A=1\n", "-" },
	{ "#!/usr/bin/\n", "-" },
	{ "#!/usr/bin/unknown\n", "-" },
	{ "#!3.11\n", "-" },
	{ " #!/usr/bin/python3\n", "-" },
	{ "// #!/usr/bin/python3\n", "-" },
};

TEST(shebangs)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct lang *lang =
			lang_by_shebang(rows[i].head, strlen(rows[i].head));

		if (strcmp(lang ? lang->name : "-", rows[i].want))
			fprintf(stderr, "row %zu: %s\n", i, rows[i].head);
		check_str(lang ? lang->name : "-", rows[i].want);
	}
}

TEST(a_head_needs_no_end)
{
	static const char head[] = "#!/usr/bin/python3";
	char *copy = malloc(sizeof(head) - 1);
	char *line = malloc(10000);

	memcpy(copy, head, sizeof(head) - 1);
	check(lang_by_shebang(copy, sizeof(head) - 1) == lang_by_name("python"));
	free(copy);

	memset(line, 'a', 10000);
	line[0] = '#';
	line[1] = '!';
	check(!lang_by_shebang(line, 10000));
	free(line);
}

TEST_MAIN;
