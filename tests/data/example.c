#include <faas.h>
#include <stdio.h>

int main(void)
{
	static const char *const artifacts[] = { "squares.txt", NULL };
	static const char numbers[] = "1\n2\n3\n";
	struct faas_execute run = {
		.code = "while read n; do echo $((n * n)); done | tee squares.txt",
		.in = { .kind = FAAS_MEMORY, .data = numbers, .size = sizeof(numbers) - 1 },
		.artifacts = artifacts,
		.timeout_ms = 10000,
	};
	struct faas_result result;
	struct faas_error error;
	struct faas *f;
	int status;

	if (faas_open(NULL, &f, &error) < 0) {
		fprintf(stderr, "%s (%s)\n%s\n", error.message, error.code, error.hint);
		return error.exit;
	}
	if (faas_execute(f, &run, &result, &error) < 0) {
		fprintf(stderr, "%s (%s)\n%s\n", error.message, error.code, error.hint);
		faas_close(f);
		return error.exit;
	}
	fputs(result.out, stdout);
	status = faas_status(&result);
	faas_result_release(&result);
	faas_close(f);
	return status;
}
