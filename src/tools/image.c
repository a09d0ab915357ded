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

static int take_size(struct script *script, const char *text)
{
	const char *rest = text;
	char digits[24];
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
	snprintf(digits, sizeof(digits), "%" PRIu64, size);
	return script_add(script, "--size", digits);
}

int image_main(struct invocation *invocation)
{
	const char *output = invocation_value(invocation, "output");
	struct script script;
	int ret = script_find(&script, "scripts/build-image", "what builds the disk", invocation);

	if (!ret)
		ret = take_size(&script, invocation_value(invocation, "size"));
	if (!ret && output)
		ret = script_add(&script, "--output", output);
	if (!ret && invocation_value(invocation, "refresh"))
		ret = script_add(&script, "--refresh", NULL);
	return ret ? ret : script_become(&script);
}
