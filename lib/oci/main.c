/*
 * faas-oci: fetches the blobs of an image into a store, or writes an image
 *
 *	faas-oci pull --blobs-fd N --request-fd N --status-fd N [--source-fd N]
 *	faas-oci export --blobs-fd N --request-fd N --status-fd N --source-fd N
 *		--output-fd N
 *	faas-oci login --request-fd N --status-fd N
 *
 * Fetches from a registry, or from the folder --source-fd (lib/oci/layout.h); writes what
 * comes as a tar on the pipe --source-fd (lib/oci/export.h); or only asks a registry
 * whether it knows us. A program of its own because it links libcurl and speaks with
 * strangers: lib/oci/confine.h says what is left to it. Not for people: it gets
 * descriptors, says nothing but JSON lines (lib/oci/report.h), and ends with 0 or 1. It
 * unpacks nothing: faas-archive does.
 */

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/oci/confine.h"
#include "lib/oci/export.h"
#include "lib/oci/fetch.h"
#include "lib/oci/layout.h"

struct args {
	uint64_t blobs, request, status, source, output;
	bool exporting, login;
};

#define NO_FD	UINT64_MAX

static int parse_args(int argc, char **argv, struct args *a, struct error *err)
{
	const struct {
		const char *name;
		uint64_t *fd;
	} options[] = {
		{ "--blobs-fd", &a->blobs }, { "--request-fd", &a->request },
		{ "--status-fd", &a->status }, { "--source-fd", &a->source },
		{ "--output-fd", &a->output },
	};

	a->exporting = argc > 1 && !strcmp(argv[1], "export");
	a->login = argc > 1 && !strcmp(argv[1], "login");
	if (argc < 2 || (!a->exporting && !a->login && strcmp(argv[1], "pull")))
		return err_set(err, ERR_USAGE, "the command is pull, export or login");
	for (int i = 2; i < argc; i += 2) {
		size_t n = 0;

		while (n < ARRAY_SIZE(options) && strcmp(argv[i], options[n].name))
			n++;
		if (n == ARRAY_SIZE(options))
			return err_set(err, ERR_USAGE, "unexpected argument '%.60s'", argv[i]);
		if (!argv[i + 1] || parse_u64(argv[i + 1], options[n].fd) < 0 ||
		    *options[n].fd > INT_MAX)
			return err_set(err, ERR_USAGE, "%s needs a number", argv[i]);
	}
	if ((!a->login && a->blobs == NO_FD) || a->request == NO_FD || a->status == NO_FD)
		return err_set(err, ERR_USAGE, "--blobs-fd, --request-fd and --status-fd are "
			       "needed");
	if (a->exporting && (a->source == NO_FD || a->output == NO_FD))
		return err_set(err, ERR_USAGE, "--source-fd and --output-fd are needed");
	return 0;
}

static int from_registry(const struct oci_request *req, const struct blobs *store,
			 struct image_manifest *m, char digest[IMAGE_DIGEST],
			 struct oci_report *report, struct error *err)
{
	struct registry r;
	int ret = -1;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "libcurl cannot begin");
	if (registry_open(req, &r, err) == 0 && registry_manifest(&r, m, digest, err) == 0)
		ret = fetch_all(&r, store, m, report, err);
	registry_release(&r);
	curl_global_cleanup();
	return ret;
}

static int check_platform(const json_t *config, const struct oci_request *req,
			  struct error *err)
{
	const char *text = json_string_value(json_object_get(config, "platform"));
	struct image_platform has;
	struct error ignored;
	char want[PLATFORM_SIZE];

	if (!text || image_platform_parse(text, &has, &ignored) < 0 ||
	    image_platform_suits(&has, &req->platform))
		return 0;
	(void)err_set(err, ERR_NOT_FOUND, "the image is not for %s; it is for: %.64s",
		      image_platform_format(&req->platform, want), text);
	return err_hint(err, "choose it with '--platform %.64s'", text);
}

static int pull(const struct args *a, const struct oci_request *req, struct oci_report *report,
		struct error *err)
{
	struct blobs store = { -1, -1 };
	struct image_manifest m;
	char digest[IMAGE_DIGEST];
	json_t *config = NULL;
	char *text;
	int r;

	if (blobs_open((int)a->blobs, &store, err) < 0)
		return -1;
	r = a->source == NO_FD ? from_registry(req, &store, &m, digest, report, err) :
		layout_import((int)a->source, req, &store, &m, digest, report, err);
	if (r < 0)
		return -1;
	text = blobs_read(&store, &m.config, IMAGE_CONFIG_BYTES, err);
	r = text ? image_config_parse(text, (size_t)m.config.size, &config, err) : -1;
	free(text);
	if (r < 0)
		return -1;
	if (check_platform(config, req, err) < 0)
		r = -1;
	else if (json_array_size(json_object_get(config, "diff_ids")) != m.n)
		r = err_set(err, ERR_PROTOCOL, "the manifest has %zu layers, and the configuration "
			    "%zu", m.n, json_array_size(json_object_get(config, "diff_ids")));
	if (r == 0)
		return oci_report_image(report, digest, config, m.layers, m.n, err);
	json_decref(config);
	return -1;
}

/* {"ok":true,"asked":true}: it wanted to know who asks, and believes it. */
static int login(const struct oci_request *req, struct oci_report *report, struct error *err)
{
	struct registry r;
	bool asked = false;
	int ret = -1;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "libcurl cannot begin");
	if (registry_open(req, &r, err) == 0)
		ret = registry_check(&r, &asked, err);
	registry_release(&r);
	curl_global_cleanup();
	if (ret < 0)
		return -1;
	oci_report_line(report, json_pack("{s:b,s:b}", "ok", true, "asked", asked));
	return 0;
}

static int run(const struct args *a, struct oci_request *req, struct oci_report *report,
	       struct error *err)
{
	if (oci_confine(a->login ? -1 : (int)a->blobs, a->source == NO_FD ? -1 : (int)a->source,
			a->exporting ? (int)a->output : -1, err) < 0 ||
	    oci_request_read((int)a->request, a->source == NO_FD, req, err) < 0)
		return -1;
	if (a->login)
		return login(req, report, err);
	return a->exporting ? export_layout((int)a->blobs, (int)a->source, (int)a->output,
					    req->doc, report, err) :
		pull(a, req, report, err);
}

int main(int argc, char **argv)
{
	struct args a = { NO_FD, NO_FD, NO_FD, NO_FD, NO_FD, false, false };
	struct oci_report report = { .fd = STDERR_FILENO };
	struct oci_request req = { .doc = NULL };
	struct error err = { 0 };
	int r;

	json_set_alloc_funcs(memory_get, free);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	r = parse_args(argc, argv, &a, &err);
	if (a.status <= INT_MAX)
		report.fd = (int)a.status;
	if (r == 0)
		r = run(&a, &req, &report, &err);
	if (r < 0) {
		(void)err_hint(&err, a.login ?
			       "nothing was kept; ask who runs the registry" :
			       a.source == NO_FD ?
			       "nothing was made of it; ask who runs the registry, or name "
			       "another image" :
			       "nothing was made of it; have the image written again");
		oci_report_error(&report, &err);
	}
	oci_request_release(&req);
	return r == 0 ? 0 : 1;
}
