/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library offers to guests on this machine, as KVM_GET_SUPPORTED_CPUID says it. */
#ifndef EXCLAVE_TOOLS_OFFER_H
#define EXCLAVE_TOOLS_OFFER_H

#include <stdint.h>
#include <stdio.h>

#include "tools/door.h"

/*
 * Sets @features to the set of enum cpu_feature that is offered, and behind those bits what else
 * QEMU asks for by itself.
 * Return: 0, or -errno with why and what to do in @error.
 */
int offer_read(uint64_t *features, char *error, size_t size);

/* ",NAME=off" by QEMU's names for each feature that is not in the set. */
void offer_write_lacks(uint64_t features, FILE *out);

#endif
