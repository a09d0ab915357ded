// SPDX-License-Identifier: GPL-2.0-or-later
/* Times the SGX library; docs/performance.md says how to read the table. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	printf("%-32s %12s %12s\n", "operation", "median ns", "of baseline");
	return EXIT_SUCCESS;
}
