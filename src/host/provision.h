/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may open /dev/sgx_provision: who may open a real file in its place. That file is
 * the option provision's (options.h), or "provision" in the user's state folder, made at first
 * use; with the word none for it, nobody may.
 */
#ifndef EXCLAVE_HOST_PROVISION_H
#define EXCLAVE_HOST_PROVISION_H

/* Opens the file with the access mode of @flags, and closes it. Return: 0 or a negative errno. */
int provision_open(int flags);

/* access(2) of the file. Return: 0 or a negative errno. */
int provision_access(int mode);

#endif
