#ifndef FAAS_CHAIN_KEY_H
#define FAAS_CHAIN_KEY_H

/*
 * The key of a step
 * =================
 *
 * A step is made of components, an object:
 *
 *	"parent"	what it stands on: "snapshot ID" or "environment ID"
 *	"argv"		array of text, or null when it only takes files in
 *	"variables"	object, name to the digest of its value
 *	"files"		object, see lib/chain/inputs.h
 *	"limits"	object of numbers
 *	"network" "user" "workdir" "engine"	text
 *
 * and its key is a digest over them and the version of this encoding: JSON without
 * spaces, its names in order. What differs in a component differs in its key.
 */

#include <jansson.h>

#include "lib/crypto/hash.h"

enum { KEY_VERSION = 1 };

/* ERR_BUG when a component is missing, or one is there that has no name above. */
int key_of(const json_t *components, char ret[HASH_TEXT], struct error *err) _must_check_;
/*
 * What of `is` was otherwise in `was`, as words for a person: "the command changed",
 * "file '/work/x' changed", "variable 'A' is new". A new array; at most KEY_WORDS.
 */
enum { KEY_WORDS = 16 };
/* Of the component "parent". */
#define CHAIN_PARENT_CHANGED	"what it stands on changed"
json_t *key_changes(const json_t *was, const json_t *is);
/* An object of text as one of digests, so that values are nowhere kept. */
json_t *key_digests(const json_t *variables);

#endif
