// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* nftw */
#include "state_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/exclave-state.XXXXXX";
static pid_t owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A child that exits leaves it to its parent. */
static void remove_folder(void)
{
	if (getpid() == owner)
		nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void state_folder_use(void)
{
	owner = getpid();
	if (!mkdtemp(folder) || setenv("XDG_STATE_HOME", folder, 1) || atexit(remove_folder))
		abort();
}
