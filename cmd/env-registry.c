#include "cmd/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/client/client.h"
#include "lib/config/config.h"
#include "lib/image/alias.h"
#include "lib/image/authfile.h"
#include "lib/image/certs.h"

/*
 * What a request to a registry has: a name in full, who asks, who is believed, and the
 * way there. All of it is the user's, whom the executor does not know.
 */

/* Beside the configuration. */
static char *beside(const char *name)
{
	char *path = config_path(CONFIG_USER), *ret = NULL;

	if (path && asprintf(&ret, "%.*s/%s", (int)(strrchr(path, '/') - path), path, name) < 0)
		ret = NULL;
	free(path);
	return ret;
}

char *image_alias_path(void)
{
	return beside("images");
}

char *image_login_path(void)
{
	return beside("auth.json");
}

int image_read_password(char ret[CREDENTIAL_SIZE], struct error *err)
{
	size_t n = fread(ret, 1, CREDENTIAL_SIZE, stdin);

	if (n == CREDENTIAL_SIZE)
		return err_set(err, ERR_USAGE, "the password on stdin is too long");
	ret[n] = '\0';
	ret[strcspn(ret, "\r\n")] = '\0';
	return *ret ? 0 : err_set(err, ERR_USAGE, "there is no password on stdin");
}

static int credentials(const struct image_opts *opts, const struct image_ref *ref,
		       json_t *params, struct error *err)
{
	struct image_credential c = { .username = "" };
	cleanup_free char *own = image_login_path();
	int r;

	if (!opts->username != !opts->password_stdin) {
		(void)err_set(err, ERR_USAGE, "'--username' and '--password-stdin' go together");
		return err_hint(err, "printf %%s \"$PASSWORD\" | faas env pull --username NAME "
				"--password-stdin IMAGE");
	}
	if (opts->username) {
		r = image_read_password(c.password, err) < 0 ? -1 : 1;
		(void)snprintf(c.username, sizeof(c.username), "%s", opts->username);
	} else {
		r = image_credential_load(own, ref, &c, err);
	}
	if (r > 0) {
		json_object_set_new(params, "username", client_text(c.username));
		json_object_set_new(params, "password", client_text(c.password));
		if (c.identity)
			json_object_set_new(params, "identity", json_true());
	}
	explicit_bzero(&c, sizeof(c));
	return r < 0 ? -1 : 0;
}

/* The executor has an environment of its own; the user's is here, and means what curl says. */
static void proxies(json_t *params)
{
	static const char *const names[][2] = {
		{ "proxy", "https_proxy" }, { "proxy", "HTTPS_PROXY" }, { "proxy", "all_proxy" },
		{ "proxy", "ALL_PROXY" }, { "http_proxy", "http_proxy" },
		{ "http_proxy", "all_proxy" }, { "http_proxy", "ALL_PROXY" },
		{ "no_proxy", "no_proxy" }, { "no_proxy", "NO_PROXY" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i][1]);

		if (value && *value && !json_object_get(params, names[i][0]))
			json_object_set_new(params, names[i][0], client_text(value));
	}
}

static int certificates(const struct image_opts *opts, const char *registry, json_t *params,
			struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(CERTS_LIMIT);

	if (opts->insecure && opts->ca_file)
		return err_set(err, ERR_USAGE, "'--ca-file' and '--insecure' exclude each other");
	if (opts->insecure)
		return 0;
	if ((opts->ca_file && certs_add_file(opts->ca_file, &text, err) < 0) ||
	    certs_add_registry(registry, &text, err) < 0)
		return -1;
	if (text.len)
		json_object_set_new(params, "ca", client_text(text.buf));
	return 0;
}

int image_network_params(const struct image_opts *opts, const char *registry, json_t *params,
			 struct error *err)
{
	if (opts->insecure)
		json_object_set_new(params, "insecure", json_true());
	if (opts->timeout_ms)
		json_object_set_new(params, "patience_ms",
				    json_integer((json_int_t)opts->timeout_ms));
	proxies(params);
	return certificates(opts, registry, params, err);
}

int image_registry_params(const struct image_opts *opts, const char *text, json_t *params,
			  struct error *err)
{
	cleanup_aliases struct image_aliases aliases = { NULL, 0 };
	cleanup_free char *path = image_alias_path();
	char whole[IMAGE_REF];
	struct image_ref ref;

	if (image_aliases_load(path, &aliases, err) < 0 ||
	    image_alias_resolve(&aliases, text, whole, err) < 0 ||
	    image_ref_parse(whole, &ref, err) < 0 ||
	    credentials(opts, &ref, params, err) < 0)
		return -1;
	json_object_set_new(params, "reference", json_string(image_ref_format(&ref, whole)));
	json_object_set_new(params, "source", json_string(whole));
	return image_network_params(opts, ref.registry, params, err);
}
