#ifndef FAAS_SPAWNER_PROTOCOL_H
#define FAAS_SPAWNER_PROTOCOL_H

/*
 * What the executor, the spawner, the monitors and pid 1 say to each other
 * =======================================================================
 *
 *	executor --(SEQPACKET)--> spawner	one for the life of an executor
 *	executor --(SEQPACKET)--> monitor	one per sandbox, outlives the executor
 *	monitor  --(SEQPACKET)--> init		pid 1 of the sandbox
 *
 * All are the same tiny static program (lib/spawner), forked and never
 * re-executed: the spawner forks a monitor, the monitor clones init, init
 * starts what the user asked for. None of them parses JSON, allocates on a
 * request, or reads bytes that the sandboxed program can write.
 *
 * A message is one struct of fixed size, then `body` bytes. Descriptors travel
 * with the message, in the order that the message's comment gives. Numbers are
 * in the machine's own order: both ends are one build, which MSG_VERSION checks.
 * A body that would not fit (an argv of 2 MiB) is in a memfd, the last
 * descriptor of its message, and MSG_BODY_FD is set.
 */

#include <stdint.h>

enum {
	MSG_VERSION	= 5,
	MSG_INLINE	= 60 * 1024,	/* a larger body goes in a memfd */
	MSG_BODY_MAX	= 8 << 20,	/* argv and environment together */
	MSG_FDS		= 16,
	MSG_TEXT	= 200,
	MSG_ID		= 40,		/* an id and its NUL */
	LAYERS_MAX	= 64,		/* of one environment, here */
	EXECS_MAX	= 128,		/* further commands in one sandbox, at once */
	STACK_MAX	= 400,		/* snapshots upon each other in one sandbox */
};

enum msg_type {
	MSG_NONE = 0,

	/* executor -> spawner */
	MSG_SETUP,		/* struct msg_setup; see its comment for fds */
	MSG_LAYERS,		/* struct msg_layers + NUL-separated paths */
	MSG_CREATE,		/* struct msg_create; fds: socket, journal */

	/* spawner -> executor */
	MSG_SETUP_DONE,		/* struct msg_status */
	MSG_LAYERS_DONE,	/* struct msg_status, number = the environment */

	/* executor -> monitor */
	MSG_BUILD,		/* struct msg_build */
	MSG_RUN,		/* struct msg_run + body; fds as run.fds says */
	MSG_SIGNAL,		/* struct msg_signal */
	MSG_CANCEL,		/* struct msg_signal: TERM, grace, KILL */
	MSG_ADOPT,		/* struct msg_signal, unused */
	MSG_JOURNAL,		/* struct msg_signal, unused; fd: write to this one from now on */
	MSG_RENEW,		/* struct msg_signal: be blank again, at once if signal is not 0 */
	MSG_FREEZE,		/* struct msg_signal, unused: stop what runs, for a copy */
	MSG_THAW,		/* struct msg_signal, unused: go on */

	/* monitor -> executor */
	MSG_READY,		/* struct msg_status: a sandbox is built */
	MSG_STARTED,		/* struct msg_started; fds: pty master if any */
	MSG_ENDED,		/* struct msg_ended */
	MSG_FAILED,		/* struct msg_status: faas' own failure */
	MSG_STATE,		/* struct msg_state, the answer to MSG_ADOPT */
	MSG_BLANK,		/* struct msg_status: the answer to MSG_RENEW */
	MSG_FROZEN,		/* struct msg_status; fd: the folder that is written to */
	MSG_THAWED,		/* struct msg_thawed */

	/* init -> monitor, besides READY, STARTED, ENDED and FAILED */
	MSG_UNSHARED,		/* struct msg_status: write my uid map */
	MSG_MAPPED,		/* the answer: struct msg_signal, unused */

	/* one more command in a sandbox that has a program; executor -> monitor -> init */
	MSG_EXEC,		/* as MSG_RUN */
	MSG_EXEC_SIGNAL,	/* struct msg_exec: to its process group */
	MSG_EXEC_CANCEL,	/* struct msg_exec: to its session; TERM, grace, KILL */
	MSG_EXEC_STARTED,	/* and back: struct msg_exec; fds: pty master if any */
	MSG_EXEC_ENDED,		/* struct msg_ended */
	MSG_CONNECT,		/* struct msg_connect: to a port in the sandbox, */
	MSG_CONNECTED,		/* and back: struct msg_connect; fd: the socket */
	MSG_UPPER,		/* struct msg_signal: stop all by this signal, if not 0; and the */
	MSG_UPPER_IS,		/* answer: struct msg_status; fd: what overlay writes to */
};

enum msg_flags {
	MSG_BODY_FD	= 1 << 0,
};

struct msg_header {
	uint16_t type;
	uint16_t version;
	uint32_t flags;
	uint32_t body;		/* bytes after the struct, or in the memfd */
};

/* Why something failed: the stage ("overlay"), its errno, and words. */
struct msg_status {
	struct msg_header h;
	int32_t errnum;		/* 0: it worked */
	int32_t code;		/* enum err_code when the stage knows better, or 0 */
	uint32_t number;
	uint32_t lacks;		/* enum lacks_flags */
	char text[MSG_TEXT];	/* what was being done */
};

/* What this kernel or user could not give; the executor names them. */
enum lacks_flags {
	LACKS_IDMAP	= 1 << 0,	/* host files belong to nobody inside */
	LACKS_SUBIDS	= 1 << 1,	/* one uid only */
};

/*
 * Cgroup controllers that a sandbox gets a leaf of; one descriptor for each. Of v1's
 * freezer it gets one when it is first frozen.
 */
#define CGROUP_KINDS(X)		\
	X(UNIFIED, "unified")	\
	X(MEMORY, "memory")	\
	X(PIDS, "pids")		\
	X(CPU, "cpu")		\
	X(BLKIO, "blkio")	\
	X(FREEZER, "freezer")

enum cgroup_kind {
#define X(id, name) CGROUP_##id,
	CGROUP_KINDS(X)
#undef X
	CGROUP__MAX,
};

/*
 * Descriptors: the state's run folder (for the sockets of monitors that lost
 * their executor), the base filter, the sandbox filter, then one cgroup folder
 * for each bit of `cgroups`, in the order of CGROUP_KINDS.
 */
/* The body: the folder of the snapshots' layers, and a NUL. */
struct msg_setup {
	struct msg_header h;
	uint32_t rootless;
	uint32_t cgroups;	/* 1 << enum cgroup_kind */
	uint32_t uid_base, uid_count;
	uint32_t own_uid, own_gid;	/* of the executor, for rootless maps */
	uint32_t sub_uid, sub_gid;	/* and what newuidmap and newgidmap may add to them, */
	uint32_t sub_count;		/* of both; 0: nothing */
};

/*
 * An environment: its layers, top first, become overlay's lower folders. The
 * body is their paths; none for the built-in `host`, whose layers the spawner
 * makes from the machine's own folders.
 */
struct msg_layers {
	struct msg_header h;
	uint32_t environment;	/* the executor's number for it */
	uint32_t count;
	uint32_t idmap;		/* files are owned by the host's ids: shift them */
	uint32_t host;
	uint32_t remove;	/* forget it instead */
};

struct msg_create {
	struct msg_header h;
	char id[MSG_ID];	/* names its cgroups; also the run's id by default */
};

enum network_mode { NETWORK_NONE, NETWORK_NAT, NETWORK_HOST };

struct limits {
	uint64_t memory;	/* bytes, 0: none */
	uint64_t pids;		/* 0: none */
	uint64_t cpu_millis;	/* thousandths of a CPU, 0: none */
	uint64_t disk;		/* bytes that may be written to files */
	uint64_t inodes;
	uint64_t io_bps;	/* bytes a second read and written, 0: none */
	uint32_t io_major, io_minor;	/* the device that io_bps is about */
};

/*
 * The body: the names of `stack` layers below the folder of MSG_SETUP, newest first,
 * each with its NUL; they come over the environment's.
 */
struct msg_build {
	struct msg_header h;
	uint32_t environment;
	uint32_t layers;
	uint32_t network;	/* enum network_mode */
	uint32_t warm;		/* look ahead: nobody waits yet */
	uint32_t stack;
	uint32_t again;		/* `keep` was written to before, and goes on */
	uint32_t users;		/* rootless: it has those of MSG_SETUP besides its root */
	struct limits limits;
	char hostname[64];
	char keep[MSG_ID];	/* the layer that keeps what is written, or "": none does */
};

enum run_flags {
	RUN_TTY		= 1 << 0,	/* a pty of the sandbox's own */
	RUN_DETACHED	= 1 << 1,	/* outlives the client */
	RUN_LOG		= 1 << 2,	/* the monitor keeps stdout and stderr */
	RUN_STDIN	= 1 << 3,	/* fds has a stdin */
	RUN_STDIO	= 1 << 4,	/* fds has stdout and stderr */
	RUN_FILES	= 1 << 5,	/* fds has a file channel */
	RUN_LIFE	= 1 << 6,	/* fds has a pidfd: when it ends, so do we */
	RUN_LOG_FD	= 1 << 7,	/* fds has the log's folder */
	RUN_HOLD	= 1 << 9,	/* fds has one to keep open until all is over */
	RUN_FILES_ONLY	= 1 << 10,	/* nothing runs: files come in, and that is all */
	RUN_IDLE	= 1 << 12,	/* nothing runs: until somebody ends it */
	RUN_ANNOUNCE	= 1 << 8,	/* somebody waits for MSG_STARTED */
	RUN_ANSWER	= 1 << 11,	/* fds has the client's socket, for a plain end (lib/spawner/brief.h) */
};

/* fds: [stdin] [stdout stderr] [files] [life] [log folder] [hold] [answer] [body] */
struct msg_run {
	struct msg_header h;
	uint32_t flags;
	uint32_t n_steps;
	uint64_t timeout_ms, grace_ms;	/* timeout 0: none */
	uint64_t log_cap;		/* bytes kept */
	int64_t request;		/* its number, for RUN_ANSWER */
	uint16_t rows, cols;
	uint32_t pad;
	struct limits limits;		/* applied where they differ from the build's */
	char id[MSG_ID];
};

/*
 * The body of MSG_RUN is a sequence of NUL-terminated strings:
 *
 *	workdir, user ("" for root),
 *	count of variables, each "NAME=value",
 *	for each step: count of alternatives, for each: count of words, the words
 *
 * Counts are decimal. The first alternative whose program exists is run; a step
 * that exits other than 0 ends the run with its status.
 */

struct msg_signal {
	struct msg_header h;
	int32_t signal;
	uint32_t pad;
	uint64_t grace_ms;
};

/* By pid 1, which is in the network that nothing outside reaches. */
struct msg_connect {
	struct msg_header h;
	uint64_t number;	/* of the request; the answer has it, too */
	uint32_t port;
	uint32_t udp;		/* not TCP */
	int32_t errnum;		/* of the answer; 0: it is connected, or will be */
	uint32_t pad;
};

struct msg_exec {
	struct msg_header h;
	char id[MSG_ID];
	int32_t signal;
	uint32_t pad;
	uint64_t grace_ms;
	uint64_t setup_us, started_ms;	/* of MSG_EXEC_STARTED */
};

struct msg_started {
	struct msg_header h;
	uint32_t pid;		/* of init, in the executor's pid namespace */
	uint32_t pad;
	uint64_t setup_us;	/* from the request to the program's first instruction */
	uint64_t started_ms;	/* Unix time */
};

enum end_flags {
	END_TIMED_OUT	= 1 << 0,
	END_OOM		= 1 << 1,
	END_CANCELLED	= 1 << 2,
	END_CLIENT_GONE	= 1 << 3,
	END_LOG_CUT	= 1 << 4,
	END_MEMORY_IS_RSS = 1 << 5,	/* peak of one process: there is no cgroup */
	END_PIDS_LIMIT	= 1 << 6,	/* a fork was refused */
	END_ANSWERED	= 1 << 7,	/* the client has been told */
};

struct usage {
	uint64_t wall_us, user_us, system_us;
	uint64_t memory_peak;	/* bytes */
	uint64_t read_bytes, written_bytes;
};

/* Also what a monitor appends to the journal, so no pointers and no holes. */
struct msg_ended {
	struct msg_header h;
	char id[MSG_ID];
	int32_t exit_code;	/* -1 when a signal ended it */
	int32_t signal;
	uint32_t flags;		/* enum end_flags */
	int32_t errnum;		/* with code: the program never ran */
	int32_t code;		/* enum err_code, 0 when it ran */
	uint32_t pad;
	uint64_t started_ms, ended_ms;
	uint64_t started_us;	/* from init: CLOCK_MONOTONIC of the first instruction */
	uint64_t setup_us;
	uint64_t log_bytes;
	struct usage usage;
	char text[MSG_TEXT];
};

/* The answer to MSG_THAW: was everything still all the time? If not, the copy is torn. */
struct msg_thawed {
	struct msg_header h;
	uint32_t still;
	uint64_t paused_us;
};

struct msg_state {
	struct msg_header h;
	char id[MSG_ID];
	uint32_t pid;
	uint32_t running;
	uint64_t started_ms, setup_us;
};

/*
 * The file channel: a SEQPACKET socket between the client and init, for files
 * that go in before the run and artifacts that come out after it. One message
 * an entry, then a NUL-terminated path; a regular file's descriptor with it.
 */
enum file_type {
	FILE_END = 0,		/* no more in this direction */
	FILE_REGULAR,
	FILE_DIRECTORY,
	FILE_SYMLINK,		/* path, then its target */
	FILE_WANT,		/* client: send me this after the run */
	FILE_ERROR,		/* init: errnum, about path */
};

struct file_header {
	uint32_t type;
	uint32_t mode;
	int32_t errnum;
	uint32_t want;		/* number of the FILE_WANT that it answers */
	int64_t mtime_s, mtime_ns;
	uint64_t size;
};

/*
 * The journal: what must survive a kill -9 of the executor between the start of
 * a run and its record in the database. Appended with one write() each.
 */
enum journal_type { JOURNAL_BEGIN = 1, JOURNAL_END = 2 };

struct journal_header {
	uint32_t magic;
	uint32_t type;
	uint32_t len;		/* bytes that follow */
	uint32_t check;		/* journal_check() of them */
};
#define JOURNAL_MAGIC	0x6c6e4a66u

/* FNV-1a: finds a torn record, defends against nothing. */
static inline uint32_t journal_check(const void *data, uint32_t len)
{
	const unsigned char *p = data;
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

#endif
