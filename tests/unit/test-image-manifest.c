#include "lib/image/manifest.h"

#include "lib/base/strbuf.h"
#include "tests/unit/test.h"

#define A64	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BLOB(d, n)	"{\"digest\":\"sha256:" d "\",\"size\":" #n "}"
#define ENTRY(d, os, arch, more) \
	"{\"digest\":\"sha256:" d "\",\"size\":7,\"platform\":{\"os\":\"" os "\"," \
	"\"architecture\":\"" arch "\"" more "}}"
#define INDEX(entries)	"{\"schemaVersion\":2,\"manifests\":[" entries "]}"
#define MANIFEST(config, layers) \
	"{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"

static const struct image_platform amd64 = { "linux", "amd64", "" };

static enum err_code kind_of(const char *text, enum image_document *ret)
{
	struct error err = { 0 };

	return image_document_kind(text, strlen(text), ret, &err) < 0 ? err.code : ERR_NONE;
}

TEST(kinds)
{
	enum image_document kind;

	check(!kind_of(INDEX(""), &kind) && kind == IMAGE_DOC_INDEX);
	check(!kind_of(MANIFEST("{}", ""), &kind) && kind == IMAGE_DOC_MANIFEST);
	check(kind_of("{\"schemaVersion\":1}", &kind) == ERR_UNSUPPORTED);
	check(kind_of("{\"schemaVersion\":2}", &kind) == ERR_PROTOCOL);
	check(kind_of("{\"schemaVersion\":2,\"config\":{},\"layers\":[],\"manifests\":[]}",
		      &kind) == ERR_PROTOCOL);
	check(kind_of("{", &kind) == ERR_PROTOCOL);
	check(kind_of("[]", &kind) == ERR_PROTOCOL);
	check(kind_of("3", &kind) == ERR_PROTOCOL);
	check(kind_of("", &kind) == ERR_PROTOCOL);
}

static enum err_code pick(const char *text, const char *tag, struct image_blob *ret,
			  struct error *err)
{
	*err = (struct error){ .code = ERR_NONE };
	return image_index_pick(text, strlen(text), &amd64, tag, ret, err) < 0 ? err->code :
		ERR_NONE;
}

TEST(index_by_platform)
{
	struct image_blob blob;
	struct error err;

	check(!pick(INDEX(ENTRY(A64, "linux", "arm64", "") "," ENTRY(B64, "linux", "amd64", "")),
		    NULL, &blob, &err));
	check_str(blob.digest, "sha256:" B64);
	check(blob.size == 7);
	check(pick(INDEX(ENTRY(A64, "linux", "arm", ",\"variant\":\"v7\"")), NULL, &blob, &err) ==
	      ERR_NOT_FOUND);
	check(strstr(err.msg, "linux/arm/v7") && strstr(err.hint, "--platform"));
	check(pick(INDEX(""), NULL, &blob, &err) == ERR_NOT_FOUND);
	check(!pick(INDEX(BLOB(A64, 1)), NULL, &blob, &err));
	check(pick(INDEX("{\"digest\":\"sha256:x\",\"size\":1}"), NULL, &blob, &err) ==
	      ERR_PROTOCOL);
	check(pick(INDEX("{\"digest\":\"sha256:" A64 "\",\"size\":-1}"), NULL, &blob, &err) ==
	      ERR_PROTOCOL);
	check(pick(INDEX("3"), NULL, &blob, &err) == ERR_PROTOCOL);
}

TEST(index_by_tag)
{
	struct image_blob blob;
	struct error err;
	const char *text = INDEX("{\"digest\":\"sha256:" A64 "\",\"size\":1,\"annotations\":"
				 "{\"org.opencontainers.image.ref.name\":\"v1\"}},"
				 "{\"digest\":\"sha256:" B64 "\",\"size\":1,\"annotations\":"
				 "{\"org.opencontainers.image.ref.name\":\"v2\"}}");

	check(!pick(text, "v2", &blob, &err));
	check_str(blob.digest, "sha256:" B64);
	check(!pick(text, "", &blob, &err));
	check_str(blob.digest, "sha256:" A64);
	check(pick(text, "v3", &blob, &err) == ERR_NOT_FOUND && strstr(err.msg, "v1, v2"));
}

static enum err_code manifest(const char *text, struct image_manifest *ret)
{
	struct error err = { 0 };

	return image_manifest_parse(text, strlen(text), ret, &err) < 0 ? err.code : ERR_NONE;
}

TEST(manifests)
{
	static struct image_manifest m;
	cleanup_strbuf struct strbuf many = STRBUF(1 << 20);

	check(!manifest(MANIFEST(BLOB(A64, 2), BLOB(B64, 3) "," BLOB(A64, 4)), &m));
	check(m.n == 2 && m.config.size == 2 && m.layers[0].size == 3 && m.layers[1].size == 4);
	check(manifest(MANIFEST(BLOB(A64, 2), ""), &m) == ERR_UNSUPPORTED);
	check(manifest(MANIFEST("{}", BLOB(B64, 3)), &m) == ERR_PROTOCOL);
	check(manifest(MANIFEST(BLOB(A64, 2), "{}"), &m) == ERR_PROTOCOL);
	check(manifest(MANIFEST(BLOB(A64, 99999999999), BLOB(B64, 3)), &m) == ERR_LIMIT);
	check(manifest(MANIFEST(BLOB(A64, 2), "{\"digest\":\"sha256:" A64 "\",\"size\":1,"
				"\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+encrypted\"}"),
		       &m) == ERR_UNSUPPORTED);
	for (int i = 0; i <= IMAGE_LAYERS; i++)
		strbuf_addf(&many, "%s%s", i ? "," : "{\"config\":" BLOB(A64, 2) ",\"layers\":[",
			    BLOB(B64, 3));
	strbuf_adds(&many, "]}");
	check(manifest(many.buf, &m) == ERR_LIMIT);
}

static enum err_code saved(const char *text, const char *tag, struct image_saved *ret)
{
	struct error err = { 0 };

	return image_saved_parse(text, strlen(text), tag, ret, &err) < 0 ? err.code : ERR_NONE;
}

TEST(docker_save)
{
	cleanup_saved struct image_saved s = { .n = 0 };
	const char *two = "[{\"Config\":\"a.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"a/l\"]},"
			  "{\"Config\":\"b.json\",\"RepoTags\":[\"x:2\"],\"Layers\":[\"b/l\",\"c\"]}]";

	check(!saved(two, "x:2", &s));
	check_str(s.config, "b.json");
	check(s.n == 2);
	check_str(s.layers[0], "b/l");
	image_saved_release(&s);
	check(!saved(two, "1", &s));
	check_str(s.config, "a.json");
	image_saved_release(&s);
	check(saved(two, "", &s) == ERR_NOT_FOUND);
	check(saved(two, "3", &s) == ERR_NOT_FOUND);
	check(saved("[]", "", &s) == ERR_PROTOCOL);
	check(saved("{}", "", &s) == ERR_PROTOCOL);
	check(saved("[{\"Config\":\"a\",\"Layers\":[3]}]", "", &s) == ERR_PROTOCOL);
	check(saved("[{\"Layers\":[\"a\"]}]", "", &s) == ERR_PROTOCOL);
}

TEST_MAIN;
