// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/image.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "host/size.h"
#include "tools/command.h"
#include "tools/invocation.h"
#include "tools/message.h"
#include "tools/script.h"

/* What Debian needs, and what is grown to in seconds. */
#define SIZE_LEAST (UINT64_C(1700) << 20)
#define SIZE_LIMIT (UINT64_C(1) << 40)
#define DIGITS     24

static int take_size(struct script *script, const char *text, char digits[DIGITS])
{
	const char *rest = text;
	uint64_t size;

	if (!text)
		return 0;
	if (size_parse(&rest, &size) || *rest) {
		complain("--size=%s: is no size, as 8G", text);
		return EXIT_REFUSED;
	}
	if (size < SIZE_LEAST || size > SIZE_LIMIT) {
		complain("--size=%s: a disk may have 1700M to 1T; room that no file needs is not "
			 "taken from the host",
			 text);
		return EXIT_REFUSED;
	}
	snprintf(digits, DIGITS, "%" PRIu64, size);
	script_add(script, "--size", digits);
	return 0;
}

int image_main(struct invocation *invocation)
{
	const char *output = invocation_value(invocation, "output");
	struct script script;
	char digits[DIGITS];
	int ret = script_find(&script, "scripts/build-image", "what builds the disk", invocation);

	if (!ret)
		ret = take_size(&script, invocation_value(invocation, "size"), digits);
	if (ret)
		return ret;
	if (output)
		script_add(&script, "--output", output);
	if (invocation_value(invocation, "refresh"))
		script_add(&script, "--refresh", NULL);
	return script_become(&script);
}
