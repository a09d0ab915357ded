/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that all threads use and close under one another's hands. A number stands
 * in one place of the pool, and who takes it out closes it: no thread ever closes a
 * descriptor that has become another's.
 */
#ifndef EXCLAVE_TESTS_UAPI_POOL_H
#define EXCLAVE_TESTS_UAPI_POOL_H

#include "hostile.h"

void pool_init(void);

/* Puts @fd, if it is one, among those of @kind, closing what it replaces. */
void pool_put(struct hostile *h, enum kind kind, int fd);

/* Return: a number that may be closed by now, or one that is no descriptor. */
int pool_choose(struct hostile *h, enum kind kind);

void pool_close_one(struct hostile *h, enum kind kind);
void pool_close_all(void);

#endif
