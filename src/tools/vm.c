// SPDX-License-Identifier: GPL-2.0-or-later
/* The short way to a guest: a handful of options, of which QEMU's are made. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/size.h"
#include "tools/command.h"
#include "tools/guest_kernel.h"
#include "tools/invocation.h"
#include "tools/message.h"
#include "tools/qemu.h"

#define MAX_ARGUMENTS 32

struct arguments {
	int argc;
	char **argv; /* room for MAX_ARGUMENTS and the user's own */
};

static void add(struct arguments *to, const char *option, char *value)
{
	to->argv[to->argc++] = (char *)option;
	if (value)
		to->argv[to->argc++] = value;
}

static int check_file(const char *option, const char *path)
{
	if (!path || !access(path, R_OK))
		return 0;
	complain("--%s=%s: cannot be read: %s; check the path and its permissions", option, path,
		 strerror(errno));
	return EXIT_REFUSED;
}

static int check_epc(const char *epc, const char *kernel)
{
	const char *text = epc, *complaint;
	char about[256];
	uint64_t size;

	if (!epc)
		return 0;
	if (size_parse(&text, &size) || *text || !size || size % 4096) {
		complain("--epc=%s: is no size in whole pages, as 64M", epc);
		return EXIT_REFUSED;
	}
	complaint = kernel ? guest_kernel_complaint(kernel, about, sizeof(about)) : NULL;
	if (!complaint)
		return 0;
	complain("--kernel=%s: %s; boot another kernel (Debian 12's has it), or leave --epc out",
		 kernel, complaint);
	return EXIT_REFUSED;
}

/* QEMU does not guess the format of a disk that the guest may write. */
static char *drive(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4] = {0}, *text;
	bool qcow2;

	qcow2 = fd >= 0 && read(fd, magic, 4) == 4 && !memcmp(magic, "QFI\xfb", 4);
	if (fd >= 0)
		close(fd);
	return asprintf(&text, "file=%s,if=virtio,format=%s", path, qcow2 ? "qcow2" : "raw") < 0
		       ? NULL
		       : text;
}

static char *backend(const char *size)
{
	char *text;

	return asprintf(&text, "memory-backend-epc,id=epc0,size=%s,prealloc=on", size) < 0 ? NULL
											   : text;
}

static char *or_else(const char *value, const char *other)
{
	return (char *)(value ? value : other);
}

/* Text that is made stays until QEMU takes our place. */
static bool make(const struct invocation *invocation, struct arguments *to)
{
	const char *kernel = invocation_value(invocation, "kernel");
	const char *initrd = invocation_value(invocation, "initrd");
	const char *disk = invocation_value(invocation, "disk");
	const char *epc = invocation_value(invocation, "epc");
	char *disk_text = disk ? drive(disk) : NULL, *epc_text = epc ? backend(epc) : NULL;

	if ((disk && !disk_text) || (epc && !epc_text))
		return false;
	add(to, "-smp", or_else(invocation_value(invocation, "smp"), "1"));
	add(to, "-m", or_else(invocation_value(invocation, "mem"), "1G"));
	add(to, "-nographic", NULL);
	add(to, "-no-reboot", NULL);
	if (kernel) {
		add(to, "-kernel", (char *)kernel);
		add(to, "-append",
		    or_else(invocation_value(invocation, "append"),
			    disk ? "console=ttyS0 root=/dev/vda1" : "console=ttyS0"));
	}
	if (initrd)
		add(to, "-initrd", (char *)initrd);
	if (disk)
		add(to, "-drive", disk_text);
	if (epc) {
		add(to, "-object", epc_text);
		add(to, "-sgx-epc", (char *)"memdev=epc0");
	}
	return true;
}

static int check(const struct invocation *invocation)
{
	static const char *const files[] = {"kernel", "initrd", "disk"};
	const char *kernel = invocation_value(invocation, "kernel");
	int ret = 0;

	if (!kernel && !invocation_value(invocation, "disk")) {
		complain("nothing to boot; name a --kernel or a --disk, see `exclave vm --help`");
		return EXIT_REFUSED;
	}
	for (unsigned int i = 0; !ret && i < 3; i++)
		ret = check_file(files[i], invocation_value(invocation, files[i]));
	return ret ? ret : check_epc(invocation_value(invocation, "epc"), kernel);
}

int vm_main(struct invocation *invocation)
{
	struct arguments arguments = {0};
	int ret = check(invocation);

	if (ret)
		return ret;
	arguments.argv = calloc((size_t)invocation->argc + MAX_ARGUMENTS, sizeof(char *));
	if (!arguments.argv || !make(invocation, &arguments)) {
		complain("out of memory");
		free(arguments.argv);
		return EXIT_REFUSED;
	}
	for (int i = 0; i < invocation->argc; i++)
		arguments.argv[arguments.argc++] = invocation->argv[i];
	return qemu_run(invocation, arguments.argc, arguments.argv);
}
