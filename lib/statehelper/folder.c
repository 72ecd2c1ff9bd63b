#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/state/apply.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/sides.h"
#include "lib/statehelper/text.h"
#include "lib/statehelper/verb.h"

/*
 * Nobody holds the layers for us: one that is removed meanwhile looks as if its files
 * were deleted. It has another name before it is.
 */
static int check_layers(const struct view *v, struct error *err)
{
	for (int i = 0; i < v->n; i++) {
		struct stat now, was;

		if (fstat(v->layers[i].fd, &was) < 0 ||
		    fstatat(3, v->layers[i].name, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
		    now.st_ino != was.st_ino || now.st_dev != was.st_dev)
			return err_set(err, ERR_CONFLICT, "layer '%s' was deleted meanwhile",
				       v->layers[i].name);
	}
	return 0;
}

int verb_merge_folder(const json_t *ask, json_t *result, struct error *err)
{
	static const char *const names[] = { "base", "theirs" };
	const char *below = json_string_value(json_object_get(ask, "below"));
	bool dry = json_is_true(json_object_get(ask, "dry_run"));
	CLEANUP(sides_release) struct sides *s = &(struct sides){ .n = 0 };
	CLEANUP(merge_release) struct merge *m = &(struct merge){
		.text = text_merge, .no_owners = true, .given = true,
	};
	struct view folder = apply_view(4);
	struct confine c = { .read = { 4 }, .n_read = 1, .write = dry ? -1 : 4, .layers = !dry };

	if (!below || !*below)
		return err_set(err, ERR_USAGE, "no path is named");
	if (merge_read_how(ask, m, err) < 0 || sides_open(s, ask, names, 2, err) < 0)
		return -1;
	sides_confine(s, &c);
	if (confine(&c, err) < 0 ||
	    apply_paths(&s->view[0], &s->view[1], below, &m->paths, err) < 0)
		return -1;
	/* these two also undo what one side alone did */
	if ((m->strategy == MERGE_UNION || m->strategy == MERGE_INTERSECTION) &&
	    apply_all_paths(&s->view[0], &folder, below, &m->paths, err) < 0)
		return -1;
	m->side[FROM_BASE] = (struct merge_side){ &s->view[0], below };
	m->side[FROM_OURS] = (struct merge_side){ &folder, "" };
	m->side[FROM_THEIRS] = (struct merge_side){ &s->view[1], below };
	if (merge_plan(m, err) < 0 || check_layers(&s->view[0], err) < 0 ||
	    check_layers(&s->view[1], err) < 0)
		return -1;
	merge_tell(m, ask, true, result);
	return m->n_conflicts || dry ? 0 : apply_merge(m, 4, err);
}
