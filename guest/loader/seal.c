// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Alice seals a text, which lies on the disk until the next boot. The text is printed, since here
 * somebody is to see that it comes back.
 */
#include "demo.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SECTOR 512

/* Return: 1, or 0 with check @name failed. */
static int disk_transfer(const char *name, const char *path, struct sealed *sealed, int writing)
{
	uint8_t sector[SECTOR] = {0};
	int fd = open(path, writing ? O_WRONLY : O_RDONLY);
	ssize_t done;

	_Static_assert(sizeof(*sealed) <= SECTOR, "one sector");
	memcpy(sector, sealed, sizeof(*sealed));
	done = writing ? write(fd, sector, SECTOR) : read(fd, sector, SECTOR);
	if (fd < 0 || done != SECTOR || (writing && fsync(fd))) {
		fail(name, "%s: %m", path);
		return 0;
	}
	memcpy(sealed, sector, sizeof(*sealed));
	close(fd);
	return 1;
}

static void seal(struct demo *d)
{
	struct call_frame f = {.call = CALL_SEAL};
	char hex[2 * 8 + 1];
	uint8_t number[8];

	if (getrandom(number, sizeof(number), 0) != sizeof(number)) {
		fail("sealed", "no random number");
		return;
	}
	snprintf((char *)f.seal.text, sizeof(f.seal.text), "secret-%s",
		 to_hex(number, sizeof(number), hex));
	if (must_call("sealed", &d->alice, &f) &&
	    disk_transfer("sealed", d->disk, &f.seal.sealed, 1))
		pass("sealed", "%s", (char *)f.seal.text);
}

/* One that has to be refused. */
static void check_refused(const char *name, const struct enclave *e, const struct sealed *sealed,
			  const char *what)
{
	struct call_frame f = {.call = CALL_UNSEAL};
	struct sgx_enclave_run run;
	int ret;

	f.seal.sealed = *sealed;
	ret = enclave_call(e, 0, &f, &run);
	if (!ret && f.status == CALL_REFUSED)
		pass(name, "%s", what);
	else
		fail(name, "return %d, status %lu, code %lu", ret, f.status, f.leaf_code);
}

static void unseal(struct demo *d, struct sealed *sealed)
{
	struct call_frame f = {.call = CALL_UNSEAL};

	f.seal.sealed = *sealed;
	if (must_call("unsealed", &d->alice, &f)) {
		f.seal.text[sizeof(f.seal.text) - 1] = 0;
		pass("unsealed", "%s", (char *)f.seal.text);
	}
	check_refused("unseal_other", &d->bob, sealed, "Bob cannot open what Alice sealed");
	sealed->text[0] ^= 1;
	check_refused("unseal_damaged", &d->alice, sealed, "nor Alice with one bit changed");
}

void step_seal(struct demo *d)
{
	struct sealed sealed = {0};

	if (!d->disk || !disk_transfer("sealed", d->disk, &sealed, 0))
		return;
	if (sealed.magic[0])
		unseal(d, &sealed);
	else
		seal(d);
}
