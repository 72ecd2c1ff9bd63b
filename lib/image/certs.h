#ifndef FAAS_IMAGE_CERTS_H
#define FAAS_IMAGE_CERTS_H

/*
 * Who may sign the certificate of a registry, besides those whom the machine believes:
 * the files *.crt of the folders that docker and podman have for it,
 * $XDG_CONFIG_HOME/containers/certs.d/HOST[:PORT] (or ~/.config),
 * /etc/containers/certs.d/HOST[:PORT] and /etc/docker/certs.d/HOST[:PORT].
 */

#include "lib/base/error.h"
#include "lib/base/strbuf.h"

enum { CERTS_LIMIT = 512 << 10 };

/* The certificates of a file, and nothing else that is in it. */
int certs_add_file(const char *path, struct strbuf *to, struct error *err) _must_check_;
/* Those for a registry; that there are none is no failure. */
int certs_add_registry(const char *registry, struct strbuf *to, struct error *err) _must_check_;

#endif
