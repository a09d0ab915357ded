// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/manual.h"

#include "lib/bits.h"
#include "tools/settings.h"

const struct manual_section manual_head[] = {
	{"NAME", "exclave - KVM SGX virtualization without the silicon"},
	{"SYNOPSIS", "exclave COMMAND [OPTION...] [ARGUMENT...]"},
	{"DESCRIPTION",
	 "Gives a VMM, for example QEMU, the devices of a host with KVM and SGX: /dev/kvm, /dev/sgx_vepc and "
	 "/dev/sgx_provision. They are software inside the VMM's process, by way of LD_PRELOAD, unless the "
	 "machine's own work. Guests are unmodified, and find SGX1, SGX2 and flexible launch control.\n"
	 "It protects nothing: who owns the host reads what enclaves hold. It is for development and tests."},
};
const unsigned int manual_head_count = ARRAY_SIZE(manual_head);

const struct manual_section manual_tail[] = {
	{"ENVIRONMENT", "EXCLAVE_CONFIG   one configuration file, instead of the two below.\n"
			"XDG_CONFIG_HOME, XDG_STATE_HOME, HOME   where the user's files are.\n"
			"NO_COLOR         output without colours, as in a pipe.\n"
			"Each of the options of the host has a variable too, named there."},
	{"FILES",
	 "~/.config/exclave/config, " SETTINGS_SYSTEM_FILE "\n"
	 "    options of the host, as NAME = VALUE; lines that begin with # are comments.\n"
	 "    The command line counts before the environment, that before the user's file,\n"
	 "    that before the system's.\n"
	 "~/.local/state/exclave/identity\n"
	 "    the keys of the platform. Keep it as long as sealed data is to be unsealed.\n"
	 "~/.local/state/exclave/provision\n"
	 "    stands for /dev/sgx_provision: its permissions are those of the device."},
	{"EXIT STATUS", "That of the command that was run, or\n"
			"0    all is well\n"
			"1    a check failed (doctor, demo)\n"
			"125  refused: a wrong option or value, or something is missing\n"
			"126  the command cannot be run\n"
			"127  the command was not found"},
	{"EXAMPLES", "exclave run -- qemu-system-x86_64 -accel kvm -kernel vmlinuz -nographic"},
};
const unsigned int manual_tail_count = ARRAY_SIZE(manual_tail);
