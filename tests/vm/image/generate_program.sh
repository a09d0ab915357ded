#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes a C program of one function for each line, which prints a sum; or that sum.
#
#   generate_program.sh LINES [result]
lines=$1
awk -v lines="$lines" -v result="${2:-}" 'BEGIN {
	if (result == "")
		print "#include <stdio.h>";
	for (i = 1; i <= lines; i++) {
		a = (i * 7919) % 1000; b = (i * 104729) % 97 + 1;
		x = (x * b + a) % 65521;
		if (result == "")
			printf "static unsigned f%d(unsigned x) { return (x * %du + %du) %% 65521u; }\n", i, b, a;
	}
	if (result != "") { print x; exit }
	print "int main(void)\n{\n\tunsigned x = 0;";
	for (i = 1; i <= lines; i++)
		printf "\tx = f%d(x);\n", i;
	print "\tprintf(\"%u\\n\", x);\n\treturn 0;\n}";
}'
