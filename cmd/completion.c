#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "cmd/output.h"

/*
 * faas completion: the scripts under completions/, which are in the program so that
 *
 *	source <(faas completion bash)
 *
 * works wherever the program does.
 */

#define EMBED(name, file)						\
	__asm__(".pushsection .rodata\n"				\
		".type " #name ", %object\n"				\
		#name ":\n"						\
		".incbin \"" file "\"\n"				\
		".byte 0\n"						\
		".size " #name ", . - " #name "\n"			\
		".popsection\n");					\
	extern const char name[] __attribute__((visibility("hidden")))

EMBED(completion_bash, "completions/faas.bash");
EMBED(completion_zsh, "completions/_faas");

#define ARGS struct completion_args
ARGS {
	const char *shell;
};

static const char *const shells[] = { "bash", "zsh", NULL };

static const struct opt completion_opts[] = {
	OPERAND("shell", ARGS, shell, HINT_NONE, "bash or zsh", .choices = shells),
	OPT_END
};

static int completion_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	const char *script = strcmp(args->shell, "zsh") ? completion_bash
		: completion_zsh;
	struct out o;

	if (!ctx->json) {
		fputs(script, ctx->out);
		return 0;
	}
	out_object(&o, ctx, NULL);
	out_str(&o, "shell", args->shell);
	out_str(&o, "script", script);
	return out_end(&o, err);
}

static const char *const examples[] = {
	"faas completion bash >~/.local/share/bash-completion/completions/faas", NULL
};

const struct cmd cmd_completion = {
	.name = "completion",
	.summary = "print the completion script of a shell",
	.flags = CMD_NO_CONFIG,
	.args_size = sizeof(ARGS),
	.opts = completion_opts,
	.run = completion_run,
	.examples = examples,
};
