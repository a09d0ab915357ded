/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_QEMU_CPU_H
#define EXCLAVE_TOOLS_QEMU_CPU_H

#include <stdio.h>

#include "tools/qemu_line.h"

/*
 * Writes the value of -cpu. @text is the user's, NULL for none; @sgx: the guest has EPC, so that
 * its processor is to have SGX.
 */
void qemu_cpu_write(FILE *out, const struct qemu_host *host, const char *text, bool sgx);

#endif
