/* The spawner's program, as a blob in faas: see lib/executor/spawner.c. */
	.section .rodata
	.globl spawner_blob, spawner_blob_end
	.hidden spawner_blob, spawner_blob_end
	.balign 16
spawner_blob:
	.incbin SPAWNER
spawner_blob_end:
	.byte 0
	.section .note.GNU-stack, "", @progbits
