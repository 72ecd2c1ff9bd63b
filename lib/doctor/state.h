#ifndef FAAS_DOCTOR_STATE_H
#define FAAS_DOCTOR_STATE_H

/* Where faas keeps its state, as far as the doctor must know. */

enum { STATE_PATH = 1024 };

/* /var/lib/faas for root, otherwise under XDG_STATE_HOME or ~/.local/state. */
const char *state_default(char buf[STATE_PATH]);
/* path, or the nearest folder above it that exists. */
const char *state_existing(const char *path, char buf[STATE_PATH]);

#endif
