#ifndef FAAS_API_INSTANCE_H
#define FAAS_API_INSTANCE_H

/* The fields of the operations on instances, for operation.c. */

#include "lib/api/operation.h"

extern const struct field instance_create_fields[], instance_list_fields[], instance_by_id_fields[],
	instance_end_fields[], instance_update_fields[], instance_wait_fields[],
	instance_connect_fields[], instance_events_fields[], instance_exec_fields[];

#endif
