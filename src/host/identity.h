/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The platform identity on disk: what fuses and firmware give a processor, made
 * at first use and kept, so that sealed data outlives the process and all
 * processes of one user are one platform.
 *
 * The file is the lock: it appears whole or not at all and never changes, so
 * any number of processes may make it at once and all of them load the same.
 */
#ifndef EXCLAVE_HOST_IDENTITY_H
#define EXCLAVE_HOST_IDENTITY_H

#include "sgx/sgx.h"

#include <stddef.h>
#include <stdint.h>

/*
 * magic (8 bytes), version (4), zero (4), the fields of struct sgx_identity in
 * their order (80), SHA-256 of all that (32). Little-endian.
 */
#define IDENTITY_FILE_SIZE    128
#define IDENTITY_FILE_VERSION 1

/*
 * Loads the identity from @path, or with NULL from the user's state folder:
 * $XDG_STATE_HOME/exclave/identity, else ~/.local/state/exclave/identity. A file
 * that does not exist is made, with its folders.
 *
 * A file that is not clearly the user's own secret is refused and never
 * replaced, since data sealed under it would be lost.
 *
 * Return: 0, or a negative errno with all of @identity zero and in @error the
 * file, the cause and the remedy as one line:
 * -ELOOP a symbolic link; -EINVAL no regular file, or no usable path; -EPERM
 * another user's, or others have access; -EBADMSG truncated or damaged;
 * -ENOTSUP of another version; -EIO no random numbers; what the system calls
 * return.
 */
int identity_load(const char *path, struct sgx_identity *identity, char *error, size_t error_size);

/*
 * What a file's contents say. Return: 0, -EBADMSG or -ENOTSUP as above, with
 * @identity untouched.
 */
int identity_decode(const void *bytes, size_t len, struct sgx_identity *identity);
void identity_encode(const struct sgx_identity *identity, uint8_t bytes[IDENTITY_FILE_SIZE]);

#endif
