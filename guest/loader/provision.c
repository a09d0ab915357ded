// SPDX-License-Identifier: GPL-2.0-or-later
/* The provisioning key: for enclaves alone whose loader may open /dev/sgx_provision. */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct enclave_options unprivileged = {SGX_ATTR_PROVISIONKEY, -1};

static void check_refused(struct demo *d)
{
	struct enclave enclave;
	const char *stage;
	int ret = enclave_load(&enclave, d->alice_path, &unprivileged, &stage);

	if (ret == -EACCES)
		pass("provision_refused", "%s: %s", stage, strerror(EACCES));
	else
		fail("provision_refused", "%s: %s", stage, strerror(-ret));
	if (!ret)
		enclave_unload(&enclave);
}

static void check_key(const struct enclave *enclave)
{
	struct call_frame f = {.call = CALL_PROVISION};
	char text[2 * SGX_MAC_SIZE + 1];

	if (must_call("provision_key", enclave, &f))
		pass("provision_key", "its digest is %s",
		     to_hex(f.key.digest, sizeof(f.key.digest), text));
}

/* Without the attribute, the leaf itself refuses. */
static void check_no_attribute(struct demo *d)
{
	struct call_frame f = {.call = CALL_PROVISION};
	struct sgx_enclave_run run;
	int ret = enclave_call(&d->alice, 0, &f, &run);

	if (!ret && f.status == CALL_LEAF_FAILED && f.leaf_code == SGX_INVALID_ATTRIBUTE)
		pass("provision_attribute", "EGETKEY: SGX_INVALID_ATTRIBUTE");
	else
		fail("provision_attribute", "return %d, status %lu, code %lu", ret, f.status,
		     f.leaf_code);
}

void step_provision(struct demo *d)
{
	struct enclave_options options = {SGX_ATTR_PROVISIONKEY,
					  open(PROVISION_NODE, O_RDONLY | O_CLOEXEC)};
	struct enclave enclave;
	const char *stage;
	int ret;

	check_refused(d);
	check_no_attribute(d);
	if (options.provision_fd < 0) {
		fail("provision_key", "%s: %m", PROVISION_NODE);
		return;
	}
	ret = enclave_load(&enclave, d->alice_path, &options, &stage);
	close(options.provision_fd);
	if (ret) {
		fail("provision_key", "%s: %s", stage, strerror(-ret));
		return;
	}
	check_key(&enclave);
	enclave_unload(&enclave);
}

/* The machine itself grants none: ECREATE refuses the attribute, whatever the driver would. */
void step_unprovisioned(struct demo *d)
{
	struct enclave_options options = {SGX_ATTR_PROVISIONKEY,
					  open(PROVISION_NODE, O_RDONLY | O_CLOEXEC)};
	struct enclave enclave;
	const char *stage;
	int ret = enclave_load(&enclave, d->alice_path, &options, &stage);

	if (ret == -EIO && !strcmp(stage, "SGX_IOC_ENCLAVE_CREATE"))
		pass("unprovisioned", "%s: %s", stage, strerror(EIO));
	else
		fail("unprovisioned", "%s: %s", stage, strerror(-ret));
	if (!ret)
		enclave_unload(&enclave);
	close(options.provision_fd);
}
