// SPDX-License-Identifier: GPL-2.0-or-later
/* Ends of descriptors. The table forgets first: see table_take(). */
#include <limits.h>
#include <unistd.h>

#include "preload/export.h"
#include "preload/real.h"
#include "preload/table.h"

DOOR int door_close(int fd)
{
	struct file *file = table_take(fd);
	int ret = REAL(close)(fd);

	if (file)
		file_put(file);
	return ret;
}

DOOR int door_close_range(unsigned int first, unsigned int last, int flags)
{
	/*
	 * CLOSE_RANGE_CLOEXEC closes nothing, CLOSE_RANGE_UNSHARE only this thread's numbers:
	 * the others' still stand for what they did.
	 */
	if (!flags)
		table_drop_range(first, last);
	return REAL(close_range)(first, last, flags);
}

DOOR void door_closefrom(int low)
{
	unsigned int first = low > 0 ? (unsigned int)low : 0;

	table_drop_range(first, UINT_MAX);
	REAL(closefrom)(low);
}

EXPORT(door_close, close);
EXPORT(door_close_range, close_range);
EXPORT(door_closefrom, closefrom);
