// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/options.h"
#include "tools/command.h"
#include "tools/door.h"
#include "tools/message.h"
#include "tools/processor.h"

/* The words of the option. */
enum {
	ENGINE_AUTO,
	ENGINE_SOFT,
	ENGINE_HARDWARE,
};

/* Devices first, as a look at them costs nothing; a guest only where it has a chance. */
const char *hardware_lacks(char *why, size_t size)
{
	const char *preload = getenv("LD_PRELOAD");
	char error[PROBE_ERROR_SIZE];

	if (preload && strstr(preload, "libexclave.so"))
		return "the library is in this program already";
	if (access("/dev/kvm", F_OK))
		return "there is no /dev/kvm";
	if (!processor_has_virtualization(cpuid_host))
		return "/dev/kvm is there, but the processor offers no VMX or SVM to run guests with";
	if (access("/dev/sgx_vepc", F_OK))
		return "there is no /dev/sgx_vepc, the device of a kernel with virtual EPC";
	if (access("/dev/kvm", R_OK | W_OK) || access("/dev/sgx_vepc", R_OK | W_OK))
		return "this user may not open /dev/kvm and /dev/sgx_vepc";
	if (!door_probe(&door_machine, error))
		return NULL;
	snprintf(why, size, "/dev/kvm does not run guests: %s", error);
	return why;
}

static int use_software(struct choice *choice, const char *why)
{
	const char *lacks = processor_lacks(cpuid_host, processor_xcr0());

	choice->hardware = false;
	snprintf(choice->why, sizeof(choice->why), "%s", why);
	if (!lacks)
		return 0;
	complain(
		"the processor is below x86-64-v3, which guests are translated to: it lacks %s; use a "
		"machine of 2015 or later (Intel Haswell, AMD Excavator), or a VM that is given its "
		"host's processor",
		lacks);
	return EXIT_REFUSED;
}

int choose_engine(struct choice *choice)
{
	unsigned int wanted = option_choose(OPTION_ENGINE, option_get(OPTION_ENGINE));
	char text[PROBE_ERROR_SIZE + 64];
	const char *lacks;

	if (wanted == ENGINE_SOFT)
		return use_software(choice, "--engine=soft");
	lacks = hardware_lacks(text, sizeof(text));
	if (lacks && wanted == ENGINE_AUTO)
		return use_software(choice, lacks);
	if (lacks) {
		complain("--engine=hardware: %s; mend that, or use --engine=soft", lacks);
		return EXIT_REFUSED;
	}
	choice->hardware = true;
	snprintf(choice->why, sizeof(choice->why), "%s",
		 wanted == ENGINE_HARDWARE ? "--engine=hardware"
					   : "/dev/kvm and /dev/sgx_vepc work here");
	return 0;
}
