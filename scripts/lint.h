/*
 * For cppcheck, which does not read jansson.h and gives up on a file in which a word
 * that it has not seen defined has a block.
 */
#define json_array_foreach(array, i, value) \
	for ((i) = 0; ((value) = json_array_get(array, i)); (i)++)
#define json_object_foreach(object, key, value) \
	for ((key) = ""; ((value) = json_object_get(object, key)); (key) = "")
