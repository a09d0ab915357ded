// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks /dev/kvm to run a guest, as exclave(1) asks the machine's; under `exclave run`, where
 * that must work. Ends with 1 and the reason when it does not.
 */
#include "tools/door.h"

#include <stdio.h>

int main(void)
{
	char error[PROBE_ERROR_SIZE];

	if (!door_probe(&door_machine, error))
		return 0;
	fprintf(stderr, "%s\n", error);
	return 1;
}
