#include <stdio.h>
#include <objc/objc.h>

int main(int argc, char **argv)
{
	char line[256] = "";
	BOOL first = YES;

	printf("hello from objc\nargs:");
	while (*++argv)
		printf(" %s", *argv);
	if (first && !fgets(line, sizeof(line), stdin))
		return 1;
	printf("\nin: %s", line);
	return argc ? 3 : 1;
}
