/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_IMAGE_H
#define EXCLAVE_TOOLS_IMAGE_H

struct invocation;

/* The command `image`: a disk with Debian, and programs for enclaves in it. */
int image_main(struct invocation *invocation);

#endif
