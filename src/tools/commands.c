// SPDX-License-Identifier: GPL-2.0-or-later
/* Every command of exclave(1). */
#include "tools/invocation.h"
#include "tools/demo.h"
#include "tools/image.h"
#include "tools/machine.h"
#include "tools/qemu.h"
#include "tools/run.h"
#include "tools/script.h"

#include "lib/bits.h"

static const struct command_option qemu_options[] = {
	{"qemu", "FILE", "the program; else " QEMU_PROGRAM " of PATH"},
};

static const struct command_option vm_options[] = {
	{"kernel", "FILE", "Linux for the guest"},
	{"initrd", "FILE", "its initial file system"},
	{"append", "TEXT", "its command line; else console=ttyS0"},
	{"disk", "FILE", "a disk, raw or qcow2"},
	{"epc", "SIZE", "EPC of the guest"},
	{"smp", "N", "processors; else 1"},
	{"mem", "SIZE", "memory; else 1G"},
	{"qemu", "FILE", "the program; else " QEMU_PROGRAM " of PATH"},
};

static const struct command_option doctor_options[] = {
	{"kernel", "FILE", "the guest's, to see whether it can have SGX"},
	{"qemu", "FILE", "the program; else " QEMU_PROGRAM " of PATH"},
};

static const struct command_option demo_options[] = {
	SCRIPT_CACHE_OPTION,
};

static const struct command_option image_options[] = {
	{"output", "FOLDER", "where the disk goes; else image in that of --cache"},
	{"size", "SIZE", "of the disk; else as little as Debian needs"},
	{"refresh", NULL, "with Debian's packages of today, in a new disk"},
	SCRIPT_CACHE_OPTION,
};

const struct command commands[] = {
	{
		.name = "run",
		.synopsis = "[OPTION...] -- COMMAND [ARGUMENT...]",
		.summary = "runs a VMM on devices of software",
		.about =
			"Runs COMMAND, for example QEMU, with a /dev/kvm, /dev/sgx_vepc and\n"
			"/dev/sgx_provision in software, or with the machine's own where those work.\n"
			"COMMAND must be dynamically linked and have no rights of its own (setuid).\n"
			"The exit status is COMMAND's; 125 to 127 when it could not be started, as env(1)\n"
			"has it.",
		.main = run_main,
		.takes_arguments = true,
	},
	{
		.name = "qemu",
		.synopsis = "[OPTION...] [--] [ARGUMENT...]",
		.summary = "runs QEMU, also with the command lines of the 2021 SGX series",
		.about =
			"Runs QEMU with the arguments, whose spelling is made today's:\n"
			"  -sgx-epc id=epc1,memdev=mem1   is a property of the machine now\n"
			"  -object ...,prealloc           has a value now, prealloc=on\n"
			"  -cpu host,+sgx_provisionkey    is a processor that works on this host\n"
			"-accel kvm and a machine are added where they are missing; anything else stays.\n"
			"With -v, the command is printed that is run.",
		.main = qemu_main,
		.passes = true,
		.takes_arguments = true,
		.option_count = ARRAY_SIZE(qemu_options),
		.options = qemu_options,
	},
	{
		.name = "vm",
		.synopsis = "[OPTION...] [-- QEMU_ARGUMENT...]",
		.summary = "boots a kernel or a disk in QEMU, the short way",
		.about =
			"Boots a guest whose serial line is the terminal; C-a x ends it. For example:\n"
			"  exclave vm --kernel=vmlinuz --initrd=initrd --epc=64M --smp=4 --mem=2G",
		.main = vm_main,
		.takes_arguments = true,
		.option_count = ARRAY_SIZE(vm_options),
		.options = vm_options,
	},
	{
		.name = "demo",
		.synopsis = "[OPTION...]",
		.summary = "shows enclaves in a guest, step by step",
		.about =
			"Boots a stock Debian kernel with 64 MiB of EPC twice, and shows what two\n"
			"enclaves do: measurement, attributes, sealing over the boots, local\n"
			"attestation, SGX2, timings. Debian's packages for the guest are downloaded\n"
			"once, and never installed.",
		.main = demo_main,
		.option_count = ARRAY_SIZE(demo_options),
		.options = demo_options,
	},
	{
		.name = "image",
		.synopsis = "[OPTION...]",
		.summary = "builds a disk with Debian, enclaves inside",
		.about =
			"Builds disk.img, with Debian 12, from Debian's packages, and prints its folder.\n"
			"It boots by a BIOS, by UEFI, or with vmlinuz and initrd of the same folder; root\n"
			"logs in on the serial line without a password. Services exclave-demo and\n"
			"exclave-selftest run enclaves there.\n"
			"  exclave vm --disk=FOLDER/disk.img --epc=64M --smp=4 --mem=2G\n"
			"A disk that a guest has written to is kept as it is, until --refresh.",
		.main = image_main,
		.option_count = ARRAY_SIZE(image_options),
		.options = image_options,
	},
	{
		.name = "host",
		.synopsis = "[OPTION...]",
		.summary = "says what this machine offers to guests",
		.about =
			"Says who runs the guests and why, which features of the processor they get,\n"
			"how much EPC there is, and which options are set where.",
		.main = host_main,
	},
	{
		.name = "doctor",
		.synopsis = "[OPTION...]",
		.summary = "checks what usually goes wrong",
		.about =
			"Checks what guests need, one line each, with a remedy where something is wrong.\n"
			"The exit status is 1 then.",
		.main = doctor_main,
		.option_count = ARRAY_SIZE(doctor_options),
		.options = doctor_options,
	},
};
const unsigned int command_count = ARRAY_SIZE(commands);
