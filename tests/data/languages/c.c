#include <stdio.h>

int main(int argc, char **argv)
{
	char line[256] = "";

	puts("hello from c");
	printf("args:");
	for (int i = 1; i < argc; i++)
		printf(" %s", argv[i]);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	printf("\nin: %s", line);
	return 3;
}
