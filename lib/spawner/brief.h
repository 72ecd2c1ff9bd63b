#ifndef FAAS_SPAWNER_BRIEF_H
#define FAAS_SPAWNER_BRIEF_H

/*
 * The answer to a brief execution.create whose program ended by itself: these parts
 * with the request's number, the execution's id and the exit code between them, as
 * lib/executor/report.c makes it by jansson. The monitor writes it to the client
 * without the executor, and cmd/quick.c reads it without a parser; so its bytes are here.
 */

#define BRIEF_REQUEST	"{\"id\":"
#define BRIEF_ID	",\"result\":{\"id\":\""
#define BRIEF_CODE	"\",\"exit_code\":"
#define BRIEF_END	",\"signal\":null,\"oom_killed\":false,\"timed_out\":false," \
			"\"cancelled\":false}}"

#endif
