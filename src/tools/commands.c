// SPDX-License-Identifier: GPL-2.0-or-later
/* Every command of exclave(1). */
#include "tools/invocation.h"
#include "tools/run.h"

#include "lib/bits.h"

const struct command commands[] = {
	{
		.name = "run",
		.synopsis = "[OPTION...] -- COMMAND [ARGUMENT...]",
		.summary = "runs a VMM on devices of software",
		.about =
			"Runs COMMAND, for example QEMU, with a /dev/kvm, /dev/sgx_vepc and\n"
			"/dev/sgx_provision in software, or with the machine's own where those work.\n"
			"COMMAND must be dynamically linked and have no rights of its own (setuid).\n"
			"The exit status is COMMAND's; 125 to 127 when it could not be started, as env(1).",
		.main = run_main,
		.takes_arguments = true,
	},
};
const unsigned int command_count = ARRAY_SIZE(commands);
