#include "lib/image/credential.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

/* user:password, in base64 */
static int decode(const char *auth, struct image_credential *ret, struct error *err)
{
	cleanup_free char *text = calloc(1, strlen(auth) + 1);
	ssize_t n = text ? base64_decode(auth, text) : -1;
	char *colon = n > 0 ? memchr(text, ':', (size_t)n) : NULL;

	if (!colon || strlen(text) != (size_t)n || colon - text >= (ssize_t)sizeof(ret->username) ||
	    strlen(colon + 1) >= sizeof(ret->password))
		return err_set(err, ERR_USAGE, "an 'auth' is not user:password in base64");
	(void)snprintf(ret->username, sizeof(ret->username), "%.*s", (int)(colon - text), text);
	(void)snprintf(ret->password, sizeof(ret->password), "%s", colon + 1);
	explicit_bzero(text, (size_t)n);
	return 1;
}

/* Keys may have a scheme and a path: "https://index.docker.io/v1/". */
static bool is_key(const char *key, const char *want)
{
	size_t len = strlen(want);

	if (!strncmp(key, "https://", 8))
		key += 8;
	else if (!strncmp(key, "http://", 7))
		key += 7;
	if (strncmp(key, want, len))
		return false;
	key += len;
	return !*key || !strcmp(key, "/") || !strcmp(key, "/v1/") || !strcmp(key, "/v2/") ||
		!strcmp(key, "/v1") || !strcmp(key, "/v2");
}

static const json_t *entry_of(const json_t *auths, const char *want)
{
	const char *key;
	json_t *entry;

	json_object_foreach((json_t *)(uintptr_t)auths, key, entry)
		if (is_key(key, want))
			return entry;
	return NULL;
}

static const json_t *find(const json_t *auths, const struct image_ref *ref)
{
	char want[IMAGE_REGISTRY + IMAGE_REPOSITORY + 1];
	const json_t *entry;
	char *slash;

	(void)snprintf(want, sizeof(want), "%s/%s", ref->registry, ref->repository);
	while (!(entry = entry_of(auths, want)) && (slash = strrchr(want, '/')))
		*slash = '\0';
	if (!entry && !strcmp(ref->registry, "docker.io")) {
		entry = entry_of(auths, "index.docker.io");
		if (!entry)
			entry = entry_of(auths, "registry-1.docker.io");
	}
	return entry;
}

/* docker's own key for its registry is no host. */
static const char *server_of(const struct image_ref *ref)
{
	return strcmp(ref->registry, "docker.io") ? ref->registry : "https://index.docker.io/v1/";
}

static void find_program(const json_t *j, const struct image_ref *ref,
			 struct image_credential_ask *ask)
{
	const json_t *own = find(json_object_get(j, "credHelpers"), ref);
	const char *name = json_string_value(own);

	*ask = (struct image_credential_ask){ .first = name };
	if (!name)
		name = json_string_value(json_object_get(j, "credsStore"));
	if (!name || !*name)
		return;
	(void)snprintf(ask->program, sizeof(ask->program), "%s", name);
	(void)snprintf(ask->server, sizeof(ask->server), "%s", server_of(ref));
}

static int take(const char *user, const char *password, struct image_credential *ret)
{
	if (strlen(user) >= sizeof(ret->username) || strlen(password) >= sizeof(ret->password))
		return 0;
	(void)snprintf(ret->username, sizeof(ret->username), "%s", user);
	(void)snprintf(ret->password, sizeof(ret->password), "%s", password);
	return 1;
}

int image_credential_find(const char *text, size_t len, const struct image_ref *ref,
			  struct image_credential *ret, struct image_credential_ask *ask,
			  struct error *err)
{
	json_error_t why;
	json_t *j = json_loadb(text, len, 0, &why);
	const json_t *entry = find(json_object_get(j, "auths"), ref);
	const char *auth = json_string_value(json_object_get(entry, "auth"));
	const char *user = json_string_value(json_object_get(entry, "username"));
	const char *password = json_string_value(json_object_get(entry, "password"));
	const char *identity = json_string_value(json_object_get(entry, "identitytoken"));
	int r = 0;

	*ret = (struct image_credential){ .username = "" };
	find_program(j, ref, ask);
	if (!json_is_object(j))
		r = err_set(err, ERR_USAGE, "it is not a JSON object: %.100s", why.text);
	else if (identity && *identity)
		r = ret->identity = take("<token>", identity, ret);
	else if (auth && *auth)
		r = decode(auth, ret, err);
	else if (user && password)
		r = take(user, password, ret);
	json_decref(j);
	return r;
}
