// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells the host the guest's time, some times in a row: a line that is late on its way makes the
 * guest look behind, never ahead, so that the host finds the true offset among several.
 *
 *   clock_marks NAME
 */
#include <stdio.h>
#include <time.h>

#define MARKS    20
#define PAUSE_NS 50000000

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct timespec now;

	if (argc != 2)
		return 2;
	/* A line has to leave when it was timed. */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	for (int i = 0; i < MARKS; i++) {
		clock_gettime(CLOCK_REALTIME, &now);
		printf("EXCLAVE-MARK: %s %lld.%09ld\n", argv[1], (long long)now.tv_sec,
		       now.tv_nsec);
		nanosleep(&pause, NULL);
	}
	return 0;
}
